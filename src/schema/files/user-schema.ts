import { type ColumnType, defaultTag, type OriginTag, type TimestampFormat } from '../../model/schema.ts';

/** A schema as a user wrote it: no field ids, and names and types only where they were given. */
export interface SchemaFile {
  /** `flat` is the form `{"attribute": "S"}`: attributes with their tags, whose types follow from the data. */
  readonly form: 'tailrace' | 'flat';
  /** Attribute names, partition key first; undefined where the file says nothing. */
  readonly key: readonly string[] | undefined;
  /** In the order of the file. */
  readonly columns: readonly UserColumn[];
  readonly derived: readonly UserDerived[];
}

export interface UserColumn extends UserSlot {
  readonly attr: string;
  /** Undefined: follows from the attribute's name. */
  readonly name?: string;
}

export interface UserSlot {
  /** Undefined only where the type leaves it open: `auto`, and `timestamp` without a format. */
  readonly tag: OriginTag | undefined;
  readonly type: UserType;
}

type ScalarKind = Exclude<ColumnType['kind'], 'decimal' | 'double' | 'timestamp' | 'list' | 'map' | 'struct'>;

export type UserType =
  | { readonly kind: ScalarKind }
  /** No file says `exact`: who writes double asks for what it holds. */
  | { readonly kind: 'double'; readonly exact?: true }
  /** As the data has it. */
  | { readonly kind: 'auto' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** Without a format: the one that the data shows. */
  | { readonly kind: 'timestamp'; readonly format?: TimestampFormat }
  | { readonly kind: 'list'; readonly element: UserSlot }
  | { readonly kind: 'map'; readonly value: UserSlot }
  | { readonly kind: 'struct'; readonly fields: readonly UserColumn[] };

export interface UserDerived {
  readonly name: string;
  /** Name of the column that it is computed from. */
  readonly from: string;
  readonly format: TimestampFormat;
}

export const TIMESTAMP_FORMATS: readonly TimestampFormat[] = [
  'iso',
  'iso-ms',
  'iso-us',
  'epoch-s',
  'epoch-ms',
  'epoch-us',
];

const SETS: readonly OriginTag[] = ['SS', 'NS', 'BS'];

/** The tag of a type whose tag is not said; undefined where only the data can tell. */
export function tagOf(type: UserType): OriginTag | undefined {
  if (type.kind === 'auto' || (type.kind === 'timestamp' && type.format === undefined)) return undefined;
  return defaultTag(type);
}

/** The tags whose values a column of this type can hold. */
export function allowedTags(type: UserType): readonly OriginTag[] {
  switch (type.kind) {
    case 'string':
      return ['S', 'NULL'];
    case 'json':
    case 'ddb-json':
      return ['*', 'L', 'M', 'S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS'];
    case 'list':
      return ['L', ...SETS];
    case 'timestamp':
      return type.format === undefined ? ['S', 'N'] : [tagOf(type) ?? 'S'];
    case 'auto':
      return ['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M'];
    default: {
      const tag = tagOf(type);
      return tag === undefined ? [] : [tag];
    }
  }
}
