import { killChains } from './chain-kills.ts';

killChains([
  ['merge-on-read', 'iceberg', { write: 'merge-on-read' }, 24],
  ['copy-on-write', 'iceberg', { write: 'copy-on-write' }, 24],
  ['soft deletes', 'iceberg', { mode: 'soft' }, 30],
  ['a history', 'iceberg', { mode: 'history' }, 30],
]);
