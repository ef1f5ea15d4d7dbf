/** Whatever is made of columns, in whatever order: the items stay what they are. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ColumnChange } from '../../src/index.ts';
import { ELEMENT, pathText, VALUE } from '../../src/model/attribute-path.ts';
import type { Field, Slot } from '../../src/model/schema.ts';
import { type Put, writeSteps } from '../chain/steps.ts';
import { mulberry32, valueArbitrary } from '../data/nasty.ts';
import { FORMATS, type LoadOptions, World } from '../faults/load.ts';
import { SEED } from '../seed.ts';

const RUNS = Number(process.env.TAILRACE_SEEDS ?? 2);
const CHANGES = 6;
const ATTRS = ['a', 'B', 'c d', 'e.f', 'ttl', 'q"'] as const;
const TYPES = [
  'auto',
  'string',
  'long',
  'decimal(18,4)',
  'decimal(38,4)',
  'decimal(38,18)',
  'decimal(5,0)',
  'double',
  'boolean',
  'binary',
  'timestamp(iso)',
  'timestamp(epoch-s)',
  'timestamp(epoch-us)',
  'timestamp',
  'json',
  'ddb-json',
  'number-text',
  'list<string>',
  'list<decimal(38,4)>',
  'map<string>',
  'map<long>',
];
const OPTIONS: readonly LoadOptions['schema'][] = [
  {},
  { onMixed: 'split' },
  { onMixed: 'json' },
  { numbers: 'string' },
  { include: ['a', 'B'] },
];

function pathsOf(slot: Field | Slot, path: readonly (string | number)[]): string[] {
  const { type } = slot;
  const own = path.length > 1 ? [pathText(path)] : [];
  if (type.kind === 'list') return [...own, ...pathsOf(type.element, [...path, ELEMENT])];
  if (type.kind === 'map') return [...own, ...pathsOf(type.value, [...path, VALUE])];
  if (type.kind !== 'struct') return own;
  return [...own, ...type.fields.flatMap((field) => pathsOf(field, [...path, field.attr]))];
}

test.each(Array.from({ length: RUNS }, (_, i) => SEED + i))('seed %i', { timeout: 300_000 }, async (seed) => {
  const random = mulberry32(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  await using world = await World.open();
  const values = fc.sample(valueArbitrary, { seed, numRuns: 240 });
  // Some values come again and again, so that attributes have a type that most of them have.
  const usual = ATTRS.map(() => values.slice(0, 3).map(() => pick(values)));
  const put = (key: string): Put => {
    const item: Record<string, Put['pk']> = { pk: { S: key } };
    for (const [i, attr] of ATTRS.entries())
      if (random() < 0.8) item[attr] = random() < 0.7 ? pick(usual[i] ?? values) : pick(values);
    return item as Put;
  };
  const rows = Array.from({ length: 80 }, (_, i) => put(`k${i}`));
  const windows = [0, 1, 2].map((w) => [
    ...Array.from({ length: 12 }, (_, i) => put(`k${w * 9 + i}`)),
    { pk: { S: `k${40 + w}` } },
  ]);
  const steps = await writeSteps(`${world.dir}/source`, rows, windows);
  let committed = 0;
  for (const format of FORMATS) {
    const target = world.target(format);
    const schema = pick(OPTIONS) ?? {};
    const load: LoadOptions = { schema, write: pick(['auto', 'merge-on-read']), mode: pick(['mirror', 'soft']) };
    for (const [step, dir] of steps.exports.entries()) {
      await world.load(dir, target, load);
      expect(await world.items(target)).toEqual(steps.states[step]);
      for (let i = 0; i < CHANGES; i += 1) {
        const { state } = await world.table(target);
        const columns = (state?.schema.columns ?? []).filter(({ name }) => name !== 'pk');
        const names = [
          ...columns.map(({ name }) => name),
          ...ATTRS,
          ...columns.flatMap((each) => pathsOf(each, [each.attr])),
        ];
        const column = pick(names);
        const change: ColumnChange = pick([
          ...Array.from({ length: 6 }, () => ({ column, type: pick(TYPES) })),
          { column: pick(ATTRS), split: true as const },
          { unrescue: true as const },
        ]);
        const report = await world.evolve(target, [change], { allowRescue: random() < 0.8 });
        const told = JSON.stringify([seed, format, change, report.error, columns]);
        if (report.outcome === 'failed') expect(['USAGE', 'SCHEMA_DRIFT'], told).toContain(report.error?.code);
        expect(await world.items(target), told).toEqual(steps.states[step]);
        if (report.outcome === 'committed') committed += 1;
        const again = await world.evolve(target, [change], { allowRescue: true, dryRun: true });
        if (report.outcome === 'committed' && !('type' in change && change.type.startsWith('auto')))
          expect(again, told).toMatchObject({ outcome: 'unchanged' });
      }
    }
  }
  expect(committed).toBeGreaterThan(CHANGES);
});
