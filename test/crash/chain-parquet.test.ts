import { BUCKETS, killChains } from './chain-kills.ts';

killChains([
  ['Parquet', 'parquet', {}, 20],
  ['Parquet, partitioned', 'parquet', BUCKETS, 60],
  ['Parquet, soft deletes', 'parquet', { mode: 'soft' }, 40],
  ['Parquet, a history', 'parquet', { mode: 'history' }, 40],
]);
