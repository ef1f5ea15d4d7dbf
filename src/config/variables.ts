import type { Document, LineCounter, Scalar } from 'yaml';
import { TailraceError } from '../model/errors.ts';
import { keyPath, placeInFile } from './place.ts';

const REFERENCE = /\$?\$\{([^}]*)\}/g;

/**
 * Replaces `${NAME}` in every value of the document. It happens after parsing, so that a variable can never change
 * the structure of the file. `$${NAME}` stays as `${NAME}`.
 */
export function replaceVariables(
  document: Document,
  visit: typeof import('yaml').visit,
  file: string,
  lines: LineCounter,
  env: Readonly<Record<string, string | undefined>>,
): void {
  visit(document, {
    Scalar(key, node: Scalar, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return;
      node.value = node.value.replaceAll(REFERENCE, (reference, name: string) => {
        if (reference.startsWith('$$')) return reference.slice(1);
        const value = env[name];
        if (value !== undefined) return value;
        throw new TailraceError('CONFIG', `The environment variable ${name === '' ? '${}' : name} is not set.`, {
          place: placeInFile(file, lines, node.range?.[0], keyPath(key, ancestors)),
          hint: `Set ${name}, or write $\${${name}} for the text itself.`,
        });
      });
    },
  });
}
