import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { LATER_VERBS } from '../../src/cli/later.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { Output } from '../../src/cli/session.ts';
import { LOAD_OPTIONS } from '../../src/config/load-options.ts';
import { flagOf } from '../../src/config/option-spec.ts';
import { OPTION_ENTRIES } from '../../src/config/options.ts';
import { ERROR_CODES } from '../../src/model/errors.ts';
import { fakeLibrary, fakeSink } from './fake-world.ts';

const root = path.join(import.meta.dirname, '..', '..');
const page = (name: string): string => readFileSync(path.join(root, 'docs', 'reference', `${name}.md`), 'utf8');
const matches = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map((match) => match[1] ?? '');
const sorted = (words: Iterable<string>): string[] => [...new Set(words)].sort();

const world = {
  env: {},
  cwd: '/',
  stdout: fakeSink(),
  stderr: fakeSink(),
  signal: new AbortController().signal,
  library: async () => fakeLibrary({}),
  now: () => 0,
};
const program = buildProgram({ world, output: new Output(world, false), exitCode: 0 });
const leaves = program.commands.flatMap((command) =>
  command.commands.length === 0
    ? [[command.name(), command] as const]
    : command.commands.map((child) => [`${command.name()} ${child.name()}`, child] as const),
);
const verbs = leaves.filter(([name]) => LATER_VERBS[name] === undefined);
const visible = verbs.flatMap(([, verb]) => verb.createHelp().visibleOptions(verb));

describe('docs/reference/cli.md', () => {
  const text = page('cli');

  test('has each verb, and no other', () => {
    const headings = matches(text.slice(text.indexOf('\n## Verbs\n'), text.indexOf('\n## Options\n')), /^### (.+)$/gm);
    expect(sorted(headings)).toEqual(sorted([...verbs.map(([name]) => name), 'Verbs of later versions']));
    for (const name of Object.keys(LATER_VERBS)) expect(text).toContain(`\`${name}\``);
  });

  test('has each flag in its tables, and no other', () => {
    expect(sorted(matches(text, /^\| `(--[a-z-]+)/gm))).toEqual(sorted(visible.map((option) => option.long ?? '')));
  });

  test('gives each flag its value and default', () => {
    const specs = new Map(OPTION_ENTRIES.map(([key, spec]) => [flagOf(key), spec]));
    for (const [, flags = '', standard = ''] of text.matchAll(/^\| `(--[^`]+)` \| ([^|]*) \|/gm)) {
      expect(visible.map((option) => option.flags.replace('-h, ', ''))).toContain(flags);
      const spec = specs.get(flags.split(' ')[0] ?? '');
      if (spec !== undefined) expect([flags, standard.replaceAll('`', '')]).toEqual([flags, spec.default ?? 'none']);
    }
  });

  test('names every allowed value', () => {
    for (const [key, spec] of OPTION_ENTRIES) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${flagOf(key)}`));
      for (const choice of spec.choices ?? []) expect(row?.replaceAll('`', '')).toContain(choice);
    }
  });

  test('mentions no flag that does not exist', () => {
    const undone = OPTION_ENTRIES.filter(([, spec]) => spec.none === true).map(([key]) => `--no-${key}`);
    const known = [
      ...visible.map((option) => option.long),
      '--version',
      '--no-',
      '--no-partition-projection',
      '--no-strict',
      '--no-upkeep',
      ...undone,
    ];
    expect(matches(text, /(--[a-z][a-z-]*)/g).filter((flag) => !known.includes(flag))).toEqual([]);
  });

  test('has each exit code', () => {
    const section = text.slice(text.indexOf('## Exit codes'));
    const codes = Object.values(ERROR_CODES).map(({ exit }) => String(exit));
    expect(sorted(matches(section, /^\| (\d+) \|/gm))).toEqual(sorted(['0', ...codes]));
  });
});

describe('docs/reference/config.md', () => {
  const text = page('config');

  test('has each key, and no other', () => {
    const keys = OPTION_ENTRIES.filter(([, spec]) => spec.flagOnly !== true).map(([key, spec]) =>
      spec.filePath === undefined ? key : `aws.${spec.filePath[2]}`,
    );
    const options = text.slice(text.indexOf('\n## Options\n'));
    const ofLoad = Object.keys(LOAD_OPTIONS).map((key) => `load.${key}`);
    expect(sorted(matches(options, /^\| `([\w.]+)` \|/gm))).toEqual(sorted([...keys, ...ofLoad]));
  });

  test('gives each key its default and allowed values', () => {
    for (const [key, spec] of OPTION_ENTRIES) {
      if (spec.filePath !== undefined || spec.flagOnly === true) continue;
      const row = text.split('\n').find((line) => line.startsWith(`| \`${key}\` |`));
      const [, , value, standard] = (row ?? '').split('|').map((cell) => cell.trim());
      expect([key, standard]).toEqual([key, spec.default ?? 'none']);
      if (spec.choices !== undefined) expect(value).toBe(spec.choices.map((choice) => `\`${choice}\``).join(', '));
    }
  });

  test.each(Object.entries(LOAD_OPTIONS))('gives load.%s its default and allowed values', (key, spec) => {
    const row = text.split('\n').find((line) => line.startsWith(`| \`load.${key}\` |`));
    const [, , value, standard] = (row ?? '').split('|').map((cell) => cell.trim());
    expect([key, standard]).toEqual([key, spec.default ?? 'none']);
    if (spec.choices !== undefined) expect(value).toBe(spec.choices.map((choice) => `\`${choice}\``).join(', '));
  });
});

test('plan and doctor take the flags of sync, as their pages say', () => {
  const flagsOf = (name: string): string[] =>
    (verbs.find(([verb]) => verb === name)?.[1].options ?? []).map(({ long }) => long ?? '');
  const sync = flagsOf('sync').filter((flag) => !/^--(no-)?dry-run$/.test(flag));
  expect(sync.length).toBeGreaterThan(40);
  expect(flagsOf('plan')).toEqual(expect.arrayContaining(sync));
  expect(flagsOf('doctor')).toEqual(expect.arrayContaining(sync));
});

test('the options of load are the flags that it has beside the common ones, and no other', () => {
  const load = verbs.find(([name]) => name === 'load')?.[1];
  const common = OPTION_ENTRIES.map(([key]) => flagOf(key));
  const flags = (load?.options ?? []).map(({ long }) => long ?? '').filter((long) => !long.startsWith('--no-'));
  const own = flags.filter((long) => !common.includes(long) && !['--config', '--help'].includes(long));
  expect(sorted(own)).toEqual(sorted(Object.keys(LOAD_OPTIONS).map(flagOf)));
});

test('docs/reference/errors.md has each code with exit code and meaning, and no other', () => {
  const rows = [...page('errors').matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (.*) \|$/gm)].map(([, code, exit, meaning]) => [
    code,
    Number(exit),
    meaning,
  ]);
  expect(rows).toEqual(Object.entries(ERROR_CODES).map(([code, { exit, meaning }]) => [code, exit, meaning]));
});

describe('docs/reference/report.md', () => {
  const text = page('report');
  const source = ts.createSourceFile(
    'report.ts',
    ['report', 'scan-report', 'maintain-report', 'doctor']
      .map((name) => readFileSync(path.join(root, `src/model/${name}.ts`), 'utf8'))
      .join('\n'),
    ts.ScriptTarget.Latest,
    true,
  );
  // An error is told on its own page; rows of a query are the query's.
  const interfaces = source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => !['ReportError', 'QueryResult'].includes(name.text));

  test('has a section for each shape, and no other', () => {
    expect(sorted(matches(text, /^## (\w+)$/gm))).toEqual(sorted(interfaces.map(({ name }) => name.text)));
  });

  test.each(interfaces.map((shape) => [shape.name.text, shape] as const))(
    '%s has each field, and no other',
    (name, shape) => {
      const section = text.split(/^## /m).find((part) => part.startsWith(`${name}\n`)) ?? '';
      const documented = matches(section, /^\| (`.+?) \|/gm).flatMap((cell) => matches(cell, /`([^`]+)`/g));
      const fields = shape.members.map(
        (member) => `${member.name?.getText()}${member.questionToken === undefined ? '' : '?'}`,
      );
      expect(sorted(documented)).toEqual(sorted(fields));
    },
  );

  test('has each code of a warning, and no other', () => {
    const folder = path.join(root, 'src');
    const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /^(?!config).*\.ts$/.test(name),
    );
    const codes = sources.flatMap((name) => {
      const code = readFileSync(path.join(folder, name), 'utf8');
      const said = [...matches(code, /\bwarn(?:ing)?\(\s*'([a-z-]+)',/g), ...matches(code, /\bcode: '([a-z-]+)'/g)];
      return [...said, ...matches(code, /\? '(manifest-[a-z-]+)'/g), ...matches(code, /: '(manifest-trusted)'/g)];
    });
    const section = text.split(/^## /m).find((part) => part.startsWith('Warning codes\n')) ?? '';
    expect(sorted(matches(section, /`([a-z-]+)`(?=.* \| )/g))).toEqual(sorted(codes));
  });

  test('the fields of an error are those of errors.md', () => {
    const shape = source.statements.filter(ts.isInterfaceDeclaration).find(({ name }) => name.text === 'ReportError');
    expect(sorted(matches(page('errors'), /^\| `([a-z]+)` \|/gm))).toEqual(
      sorted(shape?.members.map((member) => member.name?.getText(source) ?? '') ?? []),
    );
  });
});
