/** A type as a user writes it, for values that a table holds: with the type tag, and the format of times. */
import { TailraceError } from '../../model/errors.ts';
import type { OriginTag, Slot, TimestampFormat } from '../../model/schema.ts';
import { tagOf, type UserSlot, type UserType } from '../files/user-schema.ts';
import type { ValueNode } from '../structure.ts';
import { tagOfFormat } from '../times.ts';

type Held = Pick<Slot, 'tag' | 'type'>;

/**
 * The type and its tag, for all but `auto`. Text for numbers is their exact text; of doubles, numbers that a double would round do not fit;
 * sets stay sets; a time has the format of most values that `node` has seen.
 */
export function settled(type: UserType, old: Held | undefined, node: ValueNode | undefined, place: string): UserSlot {
  switch (type.kind) {
    case 'string':
      return old?.tag === 'N' ? { tag: 'N', type: { kind: 'number-text' } } : { tag: 'S', type };
    case 'double':
      return { tag: 'N', type: old?.type.kind === 'double' ? old.type : { kind: 'double', exact: true } };
    case 'timestamp': {
      const format = type.format ?? formatOf(node, old?.tag, place);
      return { tag: tagOfFormat(format), type: { kind: 'timestamp', format } };
    }
    case 'list': {
      const before = old?.type.kind === 'list' ? old : undefined;
      const former = before?.type.kind === 'list' ? before.type.element : undefined;
      const element = settled(type.element.type, former, undefined, place);
      return { tag: listTag(before?.tag, element.tag), type: { kind: 'list', element } };
    }
    case 'map': {
      const value = settled(type.value.type, old?.type.kind === 'map' ? old.type.value : undefined, undefined, place);
      return { tag: 'M', type: { kind: 'map', value } };
    }
    default:
      return { tag: tagOf(type), type };
  }
}

const SETS: Readonly<Partial<Record<OriginTag, OriginTag>>> = { SS: 'S', NS: 'N', BS: 'B' };

function listTag(before: OriginTag | undefined, element: OriginTag | undefined): OriginTag {
  return before !== undefined && element !== undefined && SETS[before] === element ? before : 'L';
}

function formatOf(node: ValueNode | undefined, tag: OriginTag | undefined, place: string): TimestampFormat {
  const own = (format: TimestampFormat): boolean => (tag !== 'S' && tag !== 'N') || tagOfFormat(format) === tag;
  const [best] = [...(node?.times ?? [])]
    .filter(([format, count]) => own(format) && count > 0)
    .sort((a, b) => b[1] - a[1]);
  if (best !== undefined) return best[0];
  throw new TailraceError('SCHEMA_DRIFT', `No value of “${place}” is known to be a time.`, {
    place,
    expected: 'times of a format: iso, iso-ms, iso-us, epoch-s, epoch-ms or epoch-us',
    hint: `Name the format, such as --type 'timestamp(iso-ms)', or leave the column as it is.`,
  });
}
