const SPELLING = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;
/** What needs no second look: most numbers. */
const SHORT = /^-?(?:0\.\d{0,15}[1-9]|[1-9]\d{0,15}(?:\.\d{0,15}[1-9])?)$/;
const MAX_DIGITS = 38;
const MIN_MAGNITUDE = -130;
const MAX_MAGNITUDE = 125;

/**
 * The text that DynamoDB gives a number: plain decimal, no exponent, no needless zero. Undefined if the text is no
 * number, or none that DynamoDB could hold (38 significant digits, 1E-130 to 9.99…E+125).
 */
export function canonicalNumber(text: string): string | undefined {
  if (SHORT.test(text)) return text;
  const parts = SPELLING.exec(text);
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  if (whole === '' && fraction === '') return undefined;
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = withoutTrailingZeros(all);
  if (digits === '') return '0';
  const power = Number(exponent) - fraction.length + (all.length - digits.length);
  const magnitude = power + digits.length - 1;
  if (digits.length > MAX_DIGITS || magnitude < MIN_MAGNITUDE || magnitude > MAX_MAGNITUDE) return undefined;
  return (sign === '-' ? '-' : '') + plainDecimal(digits, power);
}

/** `digits × 10^power` without an exponent; `digits` has no zero at either end. */
function plainDecimal(digits: string, power: number): string {
  const point = digits.length + power;
  if (power >= 0) return digits.padEnd(point, '0');
  if (point > 0) return `${digits.slice(0, point)}.${digits.slice(point)}`;
  return `0.${'0'.repeat(-point)}${digits}`;
}

/** A loop, because /0+$/ takes quadratic time on long runs of zeros. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === 48) end -= 1;
  return digits.slice(0, end);
}
