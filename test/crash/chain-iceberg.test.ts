import { BUCKETS, killChains } from './chain-kills.ts';

killChains([
  ['auto', 'iceberg', {}, 8],
  ['partitioned', 'iceberg', BUCKETS, 45],
]);
