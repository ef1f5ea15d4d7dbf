import type { TailraceError } from '../../model/errors.ts';
import type { ReportError } from '../../model/report.ts';
import type { Redactor } from './redact.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';

/** An error as reports show it, without credentials. */
export function reportError(error: ReportError | TailraceError, redact: Redactor): ReportError {
  const details = { expected: error.expected, found: error.found, place: error.place, hint: error.hint };
  const given = Object.entries(details).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, redact.text(text)] as const],
  );
  return { code: error.code, message: redact.text(error.message), ...Object.fromEntries(given) };
}

/** An error for people: what happened, what was expected and found, where, and what to do. */
export function errorText(error: ReportError, style: Style): string {
  // Messages of the engine have lines of their own, with marks beneath the place.
  const [first = '', ...rest] = error.message.trimEnd().split('\n').map(visible);
  const lines = [`${style.bad(`error ${error.code}:`)} ${first}`, ...rest.map((line) => `  ${line}`.trimEnd())];
  if (error.expected !== undefined) lines.push(...wrapped('expected', error.expected));
  if (error.found !== undefined) lines.push(...wrapped('found', error.found));
  if (error.place !== undefined) lines.push(...wrapped('at', error.place));
  if (error.hint !== undefined) lines.push(...wrapped('try', error.hint));
  return `${lines.join('\n')}\n`;
}

/** The stacks of an error and its causes, for --log-level debug. */
export function stackText(thrown: unknown, redact: Redactor): string {
  const stacks: string[] = [];
  for (let error = thrown, depth = 0; error instanceof Error && depth < 8; error = error.cause, depth += 1) {
    stacks.push(`${depth === 0 ? '' : 'caused by '}${error.stack ?? error.message}`);
  }
  return stacks.length === 0 ? '' : `${redact.text(stacks.join('\n'))}\n`;
}

/** `  label     text`, broken at spaces so that long lists stay readable. */
function wrapped(label: string, text: string): string[] {
  const lines = [''];
  for (const word of visible(text).split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 90 && line !== '') lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(9)} ${line}`);
}
