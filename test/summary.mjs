// Adds up what really ran, from the runners' own reports. No report, or no test in one, is a failure.
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    passed += report.numPassedTests;
    failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
    if (report.numTotalTests > report.numPassedTests + report.numFailedTests) {
      console.log(
        `${file}: ${report.numTotalTests - report.numPassedTests - report.numFailedTests} tests did not run`,
      );
      failed++;
    }
    if (report.numTotalTests === 0) {
      console.log(`${file}: no test ran`);
      failed++;
    }
  } catch (error) {
    console.log(`${file}: no report (${error.message})`);
    failed++;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
