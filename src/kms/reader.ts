import type { NativeCard } from '../native';

/** What is asked of a card without changing anything: a live one, or one that was saved to a file. */
export type CardReader = Pick<
  NativeCard,
  | 'driverName'
  | 'resources'
  | 'connector'
  | 'probeConnector'
  | 'encoder'
  | 'crtc'
  | 'planes'
  | 'plane'
  | 'properties'
  | 'blob'
>;
