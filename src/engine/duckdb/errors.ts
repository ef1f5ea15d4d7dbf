import { type ErrorCode, TailraceError } from '../../model/errors.ts';
import { BAD_LINE_PREFIX } from '../sql/text.ts';

/** What the engine found in a line of a change file that it would not load. */
export interface Refusal {
  /** The path as it was given to read_json. */
  readonly file: string;
  /** About where: the engine counts per buffer, and may be off by one or start anew. */
  readonly line?: number;
  /** `bad-line`: a projection met a value that it cannot hold. */
  readonly kind: 'unknown-key' | 'malformed' | 'duplicate' | 'type' | 'bad-line';
  /** The key for `unknown-key` and `duplicate`, else the engine's words. */
  readonly detail: string;
}

const MALFORMED = /Malformed JSON in file "([\s\S]*?)", at byte \d+ in line (\d+): ([\s\S]*)/;
const TRANSFORM = /JSON transform error in file "([\s\S]*?)", in line (\d+): ([\s\S]*)/;
const TOO_LARGE = /"maximum_object_size" of (\d+) bytes exceeded while reading file "([\s\S]*?)" \(/;
const NOT_GZIP = /Input is not a GZIP stream: (.+)/;
const GZIP_BROKEN = /Input is not a GZIP stream|Failed to decode gzip|GZIP/i;
const ADVICE = /\s*\nTry increasing 'sample_size'[\s\S]*$/;

/** The refusal behind an error of read_json, or undefined when the error is of another kind. */
export function refusalOf(thrown: unknown): Refusal | undefined {
  const message = engineMessage(thrown);
  const at = message.indexOf(BAD_LINE_PREFIX);
  if (at >= 0)
    return {
      file: message.slice(at + BAD_LINE_PREFIX.length),
      kind: 'bad-line',
      detail: 'a value that its column cannot hold',
    };
  const malformed = MALFORMED.exec(message);
  if (malformed) return refusal('malformed', malformed, (malformed[3] ?? '').trim());
  const transform = TRANSFORM.exec(message);
  if (transform) return transformRefusal(transform);
  const large = TOO_LARGE.exec(message);
  if (large) return { file: large[2] ?? '', kind: 'malformed', detail: `a line of more than ${large[1] ?? ''} bytes` };
  const gzip = NOT_GZIP.exec(message);
  return gzip ? { file: gzip[1] ?? '', kind: 'malformed', detail: 'not a gzip stream' } : undefined;
}

function transformRefusal(match: RegExpExecArray): Refusal {
  const text = (match[3] ?? '').replace(ADVICE, '');
  // The object is printed before the complaint and may hold its words, so the last occurrence counts.
  const complaint = /^Object [\s\S]* has (unknown|duplicate) key "([\s\S]*)"$/.exec(text);
  if (complaint) return refusal(complaint[1] === 'unknown' ? 'unknown-key' : 'duplicate', match, complaint[2] ?? '');
  return refusal('type', match, text);
}

function refusal(kind: Refusal['kind'], match: RegExpExecArray, detail: string): Refusal {
  return { file: match[1] ?? '', line: Number(match[2]), kind, detail };
}

/** True for a broken compressed file whose name the engine does not tell. */
export function isBrokenGzip(thrown: unknown): boolean {
  const message = engineMessage(thrown);
  return message.startsWith('IO Error') && GZIP_BROKEN.test(message);
}

const RULES: readonly {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}[] = [
  {
    pattern: /INTERRUPT|Interrupted!/,
    code: 'INTERRUPTED',
    message: 'The run was interrupted.',
    hint: 'Run the same command again; it goes on where it stopped.',
  },
  {
    pattern: /max_temp_directory_size/,
    code: 'TEMP_BUDGET',
    message: 'The temporary folder would outgrow its budget.',
    hint: 'Raise --temp-budget, or lower --threads.',
  },
  {
    pattern: /No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/,
    code: 'DISK_FULL',
    message: 'A disk is full.',
    hint: 'Free some space, or put --temp-dir on another disk.',
  },
  {
    pattern: /^Out of Memory Error/,
    code: 'MEMORY_LIMIT',
    message: 'The engine needs more memory than its limit.',
    hint: 'Raise --memory-limit, lower --threads or --max-columns, or partition into fewer parts: each part needs room of its own.',
  },
  {
    pattern: /Permission denied|EACCES|EROFS|Read-only file system/,
    code: 'ACCESS_DENIED',
    message: 'The system refused access to a file.',
    hint: 'Check the owner and mode of the folder.',
  },
];

/** Any failure of the engine as a TailraceError with the engine's error as its cause. */
export function engineError(thrown: unknown, at?: string): TailraceError {
  if (thrown instanceof TailraceError) return thrown;
  const text = engineMessage(thrown);
  const first = text.split('\n', 1)[0] ?? text;
  const rule = RULES.find(({ pattern }) => pattern.test(text));
  const where = at ?? placeOf(refusalOf(thrown));
  const place = where === undefined ? {} : { place: where };
  if (rule !== undefined) {
    return new TailraceError(rule.code, rule.message, { ...place, found: first, hint: rule.hint, cause: thrown });
  }
  return new TailraceError('ENGINE', `The engine failed: ${first}`, {
    ...place,
    cause: thrown,
    hint: 'Run again with --log-level debug and report the output.',
  });
}

function placeOf(line: Refusal | undefined): string | undefined {
  return line?.line === undefined ? line?.file : `${line.file}, near line ${line.line}`;
}

/** The engine's own words, also when they are wrapped in errors of ours. */
function engineMessage(thrown: unknown): string {
  let error = thrown;
  while (error instanceof TailraceError && error.cause !== undefined) error = error.cause;
  return error instanceof Error ? error.message : String(error);
}
