/** A value as every reader prints it (readers/canonical.py says how): nothing lost, no two kinds alike. */
export type Canon =
  | null
  | boolean
  | string
  | { readonly $n: string }
  | { readonly $f: string }
  | { readonly $b: string }
  | { readonly $t: string }
  | { readonly $s: Readonly<Record<string, Canon>> }
  | { readonly $m: readonly (readonly [key: string, value: Canon])[] }
  | readonly Canon[];

/** `-12.50` → `-12.5`, `1E+3` → `1000`: one text for each number, so that numbers compare by value. */
export function plainNumber(text: string): string {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  if (parts === null || text === '') throw new Error(`not a number: ${JSON.stringify(text)}`);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  const point = whole.length + Number(exponent);
  const digits = whole + fraction;
  const padded = point < 0 ? '0'.repeat(-point) + digits : digits.padEnd(point, '0');
  const before = padded.slice(0, Math.max(point, 0)).replace(/^0+/, '') || '0';
  const behind = padded.slice(Math.max(point, 0)).replace(/0+$/, '');
  const plain = behind === '' ? before : `${before}.${behind}`;
  return sign === '-' && plain !== '0' ? `-${plain}` : plain;
}

/** Text that is equal exactly when the values are. Members of structs are sorted by name. */
export function canonText(value: Canon): string {
  return JSON.stringify(value, (_, node: unknown) => {
    if (node === null || typeof node !== 'object' || Array.isArray(node)) return node;
    return Object.fromEntries(Object.entries(node).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
