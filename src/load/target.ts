import { TailraceError } from '../model/errors.ts';

const NAME = /^[A-Za-z0-9_.-]{3,255}$/;
const ARN = /^arn:aws[\w-]*:dynamodb:([a-z0-9-]*):\d{0,12}:table\/[A-Za-z0-9_.-]{3,255}$/;

/** A table as `dynamodb:<name or ARN>` names it. */
export interface TableTarget {
  /** As calls take it: the name, or the ARN. */
  readonly name: string;
  /** Of the ARN. */
  readonly region?: string;
}

/** Reads the target of a load. */
export function parseTableTarget(text: string): TableTarget {
  const name = text.startsWith('dynamodb:') ? text.slice('dynamodb:'.length) : undefined;
  if (name !== undefined && NAME.test(name)) return { name };
  const region = name === undefined ? undefined : ARN.exec(name)?.[1];
  if (name !== undefined && region !== undefined) return { name, ...(region === '' ? {} : { region }) };
  throw new TailraceError('USAGE', `${text} is no table that items can be loaded into.`, {
    place: text,
    expected: 'dynamodb:<table name or ARN>',
    found: text,
    hint: 'Write `tailrace load <file|url|-> dynamodb:<table>`.',
  });
}
