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
  readonly #names: ReadonlySet<string>;
  readonly #used = new Map<string, string>();

  /**
   * Only names that the user's own texts mention are completed: the address of a page that a record holds came from a
   * server, which could ask for any variable otherwise.
   */
  constructor(env: Readonly<Record<string, string | undefined>>, texts: readonly string[]) {
    this.#env = env;
    this.#names = new Set(texts.flatMap((text) => [...text.matchAll(REFERENCE)].map(([, name = '']) => name)));
  }

  reveal(text: string, place: string): string {
    return text.replaceAll(REFERENCE, (reference: string, name: string) => {
      if (!this.#names.has(name)) return reference;
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
    return text.replaceAll(REFERENCE, (reference) => {
      const value = this.reveal(reference, place);
      return value === reference ? reference : encodeURIComponent(value);
    });
  }

  conceal(text: string): string {
    let result = text;
    for (const [name, value] of this.#used) {
      if (value.length < MIN_SECRET_CHARS) continue;
      result = result.replaceAll(anySpelling(value), () => `\${${name}}`);
    }
    return result;
  }
}

/** The text with each of its characters as it is, or percent-encoded in small or capital letters. */
function anySpelling(text: string): RegExp {
  const characters = [...text].map((character) => {
    const plain = character.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    const encoded = [...Buffer.from(character)].map((byte) => `%${hex(byte >> 4)}${hex(byte & 15)}`).join('');
    return `(?:${plain}|${encoded}${character === ' ' ? '|\\+' : ''})`;
  });
  return new RegExp(characters.join(''), 'g');
}

function hex(half: number): string {
  const digit = half.toString(16);
  return half < 10 ? digit : `[${digit}${digit.toUpperCase()}]`;
}
