// One report of many: the suites' own, added up. A suite without a report is one that failed to run.
import { readFileSync, writeFileSync } from 'node:fs';

const [target, ...reports] = process.argv.slice(2);
const sum = { numTotalTests: 0, numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0 };
for (const file of reports) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    for (const key of Object.keys(sum)) sum[key] += report[key];
  } catch {
    sum.numRuntimeErrorTestSuites++;
  }
}
writeFileSync(target, JSON.stringify(sum));
console.log(`lab: ${sum.numPassedTests} of ${sum.numTotalTests} tests passed in ${reports.length} suites`);
if (sum.numTotalTests === 0) console.log('no test ran');
process.exitCode = sum.numTotalTests === 0 || sum.numFailedTests + sum.numRuntimeErrorTestSuites > 0 ? 1 : 0;
