import { expect, test } from 'vitest';
import { writeChain } from '../data/chain-model.ts';
import { World } from '../faults/load.ts';
import { PYTHON, serverOrSkip, VERSITYGW } from '../servers/available.ts';
import { makeBucket, useCredentials } from '../servers/buckets.ts';
import { startVersitygw } from '../servers/versitygw.ts';
import { readTables } from './readers.ts';

serverOrSkip('readers of the field, on S3', [VERSITYGW, PYTHON], () => {
  test.each(['soft', 'history'] as const)(
    'PyIceberg and PyArrow see each row of a table of mode %s, behind its windows',
    async (mode) => {
      const server = await startVersitygw();
      const restore = useCredentials(server);
      await using world = await World.open();
      try {
        await makeBucket(server, 'lake');
        world.always = { targetAws: { endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true } };
        const store = { endpoint: server.endpoint, key: server.accessKey, secret: server.secretKey };
        const chain = await writeChain(`${world.dir}/source`, { seed: 12, keys: 60, windows: 4, writes: 40 });
        for (const [format, reader] of [
          ['iceberg', 'pyiceberg'],
          ['parquet', 'pyarrow'],
        ] as const) {
          const target = `${format}:s3://lake/tables/${mode}-${format}`;
          const report = await world.load(chain.dir, target, { mode, onDrift: 'rescue' });
          const location = report.readPath ?? '';
          const [rows = []] = await readTables(reader, [{ location, format }], store);
          const marker = mode === 'soft' ? '_deleted' : '_operation';
          const ours = await world.query(target, `select pk, ${marker}, cast(epoch_us(_written_at) as varchar) from t`);
          const found = rows.map((row) => [
            row['pk'],
            row[marker] ?? null,
            row['_written_at'] === null ? null : 'a time',
          ]);
          const text = (cells: readonly unknown[]): string => cells.map(String).join(' ');
          expect([format, found.map(text).sort()]).toEqual([
            format,
            ours.map(([pk, mark, at]) => text([pk, mark, at === 'null' ? null : 'a time'])).sort(),
          ]);
          const last = chain.states.at(-1)?.size ?? 0;
          if (mode === 'soft') expect(rows.filter((row) => row['_deleted'] !== true)).toHaveLength(last);
          else expect(rows).toHaveLength((chain.states[0]?.size ?? 0) + chain.changes.flat().length);
        }
      } finally {
        restore();
        await server.stop();
      }
    },
  );
});
