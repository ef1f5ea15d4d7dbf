/** Results name no folders of the machine. */
export function withoutFolder(argument: string): string {
  return argument.replace(/(^|=)\/.*\//, '$1…/');
}

/** A list with commas, each of the allowed words. */
export function chosen<T extends string>(text: string, allowed: readonly T[]): readonly T[] {
  return text.split(',').map((name) => {
    const found = allowed.find((candidate) => candidate === name);
    if (found === undefined) throw new Error(`"${name}" is none of ${allowed.join(', ')}`);
    return found;
  });
}

/** A whole number. */
export function count(text: string, option: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${option} takes a whole number, not "${text}"`);
  return value;
}
