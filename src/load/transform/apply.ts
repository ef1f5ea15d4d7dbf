import { pathText } from '../../model/attribute-path.ts';
import type { AttributeValue, Item } from '../../model/item.ts';
import { LineFault } from '../../source/lines/scan.ts';
import { castValue } from './cast.ts';
import type { NowFormat, Path, Transform } from './parse.ts';

type Members = Map<string, AttributeValue>;

/** The item after all transforms, in their order. Throws LineFault where one cannot be done. */
export function transformItem(item: Item, transforms: readonly Transform[], nowMs: () => number): Item {
  if (transforms.length === 0) return item;
  const draft: Members = new Map(item);
  for (const transform of transforms) {
    try {
      applyOne(draft, transform, nowMs);
    } catch (thrown) {
      if (!(thrown instanceof LineFault)) throw thrown;
      throw new LineFault(`${transform.text.split('(')[0]}: ${thrown.message}`);
    }
  }
  return draft;
}

function applyOne(draft: Members, transform: Transform, nowMs: () => number): void {
  switch (transform.kind) {
    case 'rename': {
      const value = get(draft, transform.from);
      if (value === undefined) return;
      remove(draft, transform.from);
      if (get(draft, transform.to) !== undefined)
        throw new LineFault(`there is an attribute ${pathText(transform.to)} already`);
      set(draft, transform.to, value);
      return;
    }
    case 'cast': {
      const value = get(draft, transform.path);
      if (value === undefined) return;
      const cast = castValue(value, transform.to, pathText(transform.path));
      if (cast === undefined) remove(draft, transform.path);
      else if (cast !== value) set(draft, transform.path, cast);
      return;
    }
    case 'default': {
      if (get(draft, transform.path) !== undefined) return;
      const { value } = transform;
      set(draft, transform.path, 'now' in value ? timeValue(nowMs(), value.now) : value);
      return;
    }
    case 'now':
      set(draft, transform.path, timeValue(nowMs(), transform.format));
      return;
    case 'drop':
      remove(draft, transform.path);
  }
}

/** A time of the clock, in the form that was asked for. */
export function timeValue(ms: number, format: NowFormat): AttributeValue {
  const whole = Math.floor(ms);
  switch (format) {
    case 'iso':
      return { tag: 'S', value: new Date(whole).toISOString().replace(/\.\d+Z$/, 'Z') };
    case 'iso-ms':
      return { tag: 'S', value: new Date(whole).toISOString() };
    case 'epoch-s':
      return { tag: 'N', value: String(Math.floor(whole / 1000)) };
    case 'epoch-ms':
      return { tag: 'N', value: String(whole) };
    case 'epoch-us':
      return { tag: 'N', value: String(whole * 1000) };
  }
}

function get(members: ReadonlyMap<string, AttributeValue>, path: Path): AttributeValue | undefined {
  const [name = '', ...rest] = path;
  const value = members.get(name);
  if (rest.length === 0) return value;
  return value?.tag === 'M' ? get(value.value, rest) : undefined;
}

/** Maps on the way are made where there is nothing. */
function set(members: Members, path: Path, value: AttributeValue): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    members.set(name, value);
    return;
  }
  const there = members.get(name);
  if (there !== undefined && there.tag !== 'M') throw new LineFault(`attribute ${name} is not a map`);
  const inner: Members = new Map(there?.value);
  set(inner, rest, value);
  members.set(name, { tag: 'M', value: inner });
}

function remove(members: Members, path: Path): void {
  const [name = '', ...rest] = path;
  const there = members.get(name);
  if (there === undefined) return;
  if (rest.length === 0) members.delete(name);
  if (rest.length === 0 || there.tag !== 'M') return;
  const inner: Members = new Map(there.value);
  remove(inner, rest);
  members.set(name, { tag: 'M', value: inner });
}
