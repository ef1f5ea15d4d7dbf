import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'internals', 'faults.md'), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) \|.*\| ([^|]+) \|$/gm)].map(([, fault, files = '']) => ({
  fault: Number(fault),
  files: files.trim().split(', '),
}));

/** Numbers in titles: `fault 37`, `faults 8, 9 and 22`, `fault 33 and 35`, `faults 86 to 88`. */
function faultsNamed(text: string): Set<number> {
  const named = new Set<number>();
  for (const [, list = ''] of text.matchAll(/['"`]faults? (\d+(?:(?:, | and | to )\d+)*)/g)) {
    const [from = 0, to = 0] = list.split(' to ').map(Number);
    if (list.includes(' to ')) for (let fault = from; fault <= to; fault += 1) named.add(fault);
    else for (const fault of list.split(/, | and /)) named.add(Number(fault));
  }
  return named;
}

/** Titles that are completed by a number of a table of cases. */
function casesNamed(text: string): Set<number> {
  if (!/`fault \$\{fault\}: /.test(text)) return new Set();
  return new Set([...text.matchAll(/\bfault: (\d+)/g)].map(([, fault]) => Number(fault)));
}

test('the page has a row for each fault that full loads must be tried with', () => {
  const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
  const wanted = [
    ...range(7, 10),
    17,
    22,
    ...range(24, 26),
    33,
    ...range(35, 41),
    ...range(50, 52),
    54,
    ...range(74, 90),
  ];
  expect(wanted.filter((fault) => !rows.some((row) => row.fault === fault))).toEqual([]);
});

test('every fault that the page calls tried is named in a title of each test file that it gives', () => {
  const wrong = rows.flatMap(({ fault, files }) =>
    files
      .filter((file) => {
        const text = readFileSync(join(root, file), 'utf8');
        return !faultsNamed(text).has(fault) && !casesNamed(text).has(fault);
      })
      .map((file) => `${fault} in ${file}`),
  );
  expect(wrong).toEqual([]);
  expect(rows.length).toBeGreaterThan(30);
});

test('every test that names a fault stands on the page', () => {
  const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((path) => `test/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && path !== 'test/faults/page.test.ts');
  const left = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...faultsNamed(text), ...casesNamed(text)]
      .filter((fault) => !rows.some((row) => row.fault === fault && row.files.includes(file)))
      .map((fault) => `${fault} in ${file}`);
  });
  expect(left).toEqual([]);
});
