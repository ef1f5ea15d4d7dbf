import { TailraceError } from '../../model/errors.ts';

const REFERENCE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Shorter values stand in addresses by chance. */
const MIN_SECRET_CHARS = 4;

/**
 * Texts with `${NAME}` in them, which the environment completes, and back: addresses that a server sends may repeat a
 * secret, and are kept on disk and in messages with its name in its place.
 */
export class Secrets {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #used = new Map<string, string>();

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  reveal(text: string, place: string): string {
    return text.replaceAll(REFERENCE, (_, name: string) => {
      const value = this.#env[name];
      if (value === undefined || value === '') {
        throw new TailraceError('CONFIG', `The environment variable ${name} is not set.`, {
          place,
          hint: `Set ${name}, and run again.`,
        });
      }
      this.#used.set(name, value);
      return value;
    });
  }

  /** In an address, a value is percent-encoded. */
  revealUrl(text: string, place: string): string {
    return text.replaceAll(REFERENCE, (reference) => encodeURIComponent(this.reveal(reference, place)));
  }

  conceal(text: string): string {
    let result = text;
    for (const [name, value] of this.#used) {
      if (value.length < MIN_SECRET_CHARS) continue;
      const spellings = new Set([
        value,
        encodeURIComponent(value),
        new URLSearchParams({ v: value }).toString().slice(2),
      ]);
      for (const spelling of spellings) result = result.replaceAll(spelling, `\${${name}}`);
    }
    return result;
  }
}

/** Names of the environment's variables that a text mentions. */
export function namesIn(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, name = '']) => name);
}
