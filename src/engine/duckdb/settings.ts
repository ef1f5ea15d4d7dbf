/**
 * Settings of an engine that hold while some work runs. Every statement has a connection of its own, so they can only be
 * global, and whatever is left behind would change what comes later: a scope restores what it found, after an error, too.
 *
 * Of a setting that several open scopes name the one that was opened last counts; only optimizers add up, because one
 * scope's reason to do without some does not end where another has reasons of its own. Scopes may end in any order.
 */
import { str } from '../sql/quote.ts';
import type { Duck } from './instance.ts';

export interface Settings {
  /** Rows leave a statement in the order in which they were made. */
  readonly preserve_insertion_order?: boolean;
  readonly threads?: number;
  /** Rows of a partition that a thread may hold back when it writes. */
  readonly partitioned_write_flush_threshold?: number;
  /** Optimizers that the engine is to do without. */
  readonly disabled_optimizers?: readonly string[];
}

type Name = keyof Settings;

interface Open {
  scopes: readonly Settings[];
  /** What the engine had before any scope, by name. */
  readonly before: Map<Name, string>;
  /** Changes happen one after the other. */
  turn: Promise<void>;
}

const engines = new WeakMap<Duck, Open>();

/** Runs work with settings that end with it. */
export async function withSettings<T>(duck: Duck, settings: Settings, work: () => Promise<T>): Promise<T> {
  const open = engines.get(duck) ?? { scopes: [], before: new Map(), turn: Promise.resolve() };
  engines.set(duck, open);
  // A copy, so that the same settings opened twice are two scopes.
  const scope = { ...settings };
  const names = namesOf(scope);
  try {
    await inTurn(open, async () => {
      await remember(duck, open, names);
      open.scopes = [...open.scopes, scope];
      await apply(duck, open, names);
    });
    return await work();
  } finally {
    await inTurn(open, async () => {
      open.scopes = open.scopes.filter((other) => other !== scope);
      await apply(duck, open, names);
      if (open.scopes.length === 0) open.before.clear();
    });
  }
}

function inTurn(open: Open, change: () => Promise<void>): Promise<void> {
  const mine = open.turn.then(change);
  open.turn = mine.catch(() => undefined);
  return mine;
}

function namesOf(settings: Settings): Name[] {
  return (Object.keys(settings) as Name[]).filter((name) => settings[name] !== undefined);
}

async function remember(duck: Duck, { before }: Open, names: readonly Name[]): Promise<void> {
  const fresh = names.filter((name) => !before.has(name));
  if (fresh.length === 0) return;
  const [row] = await duck.rows(`SELECT ${fresh.map((name) => `current_setting(${str(name)}) AS ${name}`).join(', ')}`);
  for (const name of fresh) before.set(name, String(row?.[name] ?? ''));
}

async function apply(duck: Duck, { scopes, before }: Open, names: readonly Name[]): Promise<void> {
  const statements = names.flatMap((name) => {
    const value = settled(name, scopes, before.get(name));
    return value === undefined ? [] : [`SET GLOBAL ${name} = ${str(value)}`];
  });
  if (statements.length > 0) await duck.run(statements.join('; '));
}

/** What the open scopes make of a setting; without any, what it was before; undefined where nobody asked yet. */
function settled(name: Name, scopes: readonly Settings[], before: string | undefined): string | undefined {
  if (before === undefined) return undefined;
  if (name !== 'disabled_optimizers')
    return String(scopes.findLast((scope) => scope[name] !== undefined)?.[name] ?? before);
  const all = [...before.split(','), ...scopes.flatMap((scope) => scope.disabled_optimizers ?? [])];
  return [...new Set(all.filter((optimizer) => optimizer !== ''))].join(',');
}
