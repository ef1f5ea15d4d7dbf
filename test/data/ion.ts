/**
 * A small Ion text encoder for tests, written from the Ion specification and the real lines of an export,
 * and independent of the library that src/ reads Ion with.
 */
export type DdbValue = Readonly<Record<string, unknown>>;
export type DdbItem = Readonly<Record<string, DdbValue>>;

/** How numbers are spelled: real exports write `103.` and `6d2`. */
export type IonNumberStyle = 'point' | 'exponent' | 'mixed';

/** One line of an Ion export, without its newline. */
export function ionLine(item: DdbItem, style: IonNumberStyle = 'mixed'): string {
  return `$ion_1_0 {Item:${struct(item, style)}}`;
}

/** One line of an incremental export in Ion, without its newline, as AWS documents it. */
export function ionChangeLine(micros: string, images: Readonly<Record<string, DdbItem>>): string {
  const parts = Object.entries(images).map(([name, item]) => `${name}:${struct(item, 'mixed')}`);
  return `$ion_1_0 {Record:{${[parts[0], `Metadata:{WriteTimestampMicros:${micros}.}`, ...parts.slice(1)].join(',')}}}`;
}

function struct(members: DdbItem, style: IonNumberStyle): string {
  return `{${Object.entries(members)
    .map(([name, value]) => `${symbol(name)}:${ionValue(value, style)}`)
    .join(',')}}`;
}

function ionValue(value: DdbValue, style: IonNumberStyle): string {
  const [tag, inner] = Object.entries(value)[0] ?? [];
  switch (tag) {
    case 'S':
      return quote(inner as string, '"');
    case 'N':
      return ionDecimal(inner as string, style);
    case 'B':
      return `{{${inner as string}}}`;
    case 'BOOL':
      return String(inner);
    case 'NULL':
      return 'null';
    case 'SS':
      return `$dynamodb_SS::[${(inner as string[]).map((text) => quote(text, '"')).join(',')}]`;
    case 'NS':
      return `$dynamodb_NS::[${(inner as string[]).map((text) => ionDecimal(text, style)).join(',')}]`;
    case 'BS':
      return `$dynamodb_BS::[${(inner as string[]).map((text) => `{{${text}}}`).join(',')}]`;
    case 'L':
      return `[${(inner as DdbValue[]).map((element) => ionValue(element, style)).join(',')}]`;
    case 'M':
      return struct(inner as DdbItem, style);
    default:
      throw new Error(`no such tag: ${String(tag)}`);
  }
}

/** A decimal always holds `.` or `d`; without one it would be an Ion int. */
function ionDecimal(text: string, style: IonNumberStyle): string {
  const trailing = /^(-?[1-9]\d*?)(0+)$/.exec(text);
  if (style !== 'point' && trailing !== null) return `${trailing[1] ?? ''}d${(trailing[2] ?? '').length}`;
  const fraction = /^(-?)0\.(0+)([1-9]\d*)$/.exec(text);
  if (style !== 'point' && fraction !== null) {
    const digits = fraction[3] ?? '';
    return `${fraction[1] ?? ''}${digits}d-${(fraction[2] ?? '').length + digits.length}`;
  }
  if (text.includes('.')) return text;
  return style === 'exponent' ? `${text}d0` : `${text}.`;
}

const KEYWORDS = new Set(['null', 'true', 'false', 'nan']);

function symbol(name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) && !KEYWORDS.has(name) && !/^\$\d+$/.test(name)
    ? name
    : quote(name, "'");
}

function quote(text: string, mark: '"' | "'"): string {
  let out = mark as string;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === mark || char === '\\') out += `\\${char}`;
    else if (char === '\n') out += '\\n';
    else if (char === '\r') out += '\\r';
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else out += char;
  }
  return out + mark;
}
