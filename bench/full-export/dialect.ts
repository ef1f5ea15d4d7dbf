/**
 * How a typed value is written: DynamoDB JSON or Ion. Values are built as text at once, without
 * objects in between, because generating 437 MB should not cost more than reading it.
 */
export interface Dialect {
  readonly outputFormat: 'DYNAMODB_JSON' | 'ION';
  readonly suffix: '.json.gz' | '.ion.gz';
  string(value: string): string;
  number(text: string): string;
  boolean(value: boolean): string;
  nothing(): string;
  binary(base64: string): string;
  stringSet(values: readonly string[]): string;
  numberSet(texts: readonly string[]): string;
  list(encoded: readonly string[]): string;
  /** `fields` alternates: each entry was made by `field`. */
  map(fields: readonly string[]): string;
  field(name: string, encoded: string): string;
  /** A whole line with its newline. */
  line(fields: readonly string[]): string;
}

export const dynamoDbJson: Dialect = {
  outputFormat: 'DYNAMODB_JSON',
  suffix: '.json.gz',
  string: (value) => `{"S":${JSON.stringify(value)}}`,
  number: (text) => `{"N":"${text}"}`,
  boolean: (value) => `{"BOOL":${value}}`,
  nothing: () => '{"NULL":true}',
  binary: (base64) => `{"B":"${base64}"}`,
  stringSet: (values) => `{"SS":${JSON.stringify(values)}}`,
  numberSet: (texts) => `{"NS":${JSON.stringify(texts)}}`,
  list: (encoded) => `{"L":[${encoded.join(',')}]}`,
  map: (fields) => `{"M":{${fields.join(',')}}}`,
  field: (name, encoded) => `"${name}":${encoded}`,
  line: (fields) => `{"Item":{${fields.join(',')}}}\n`,
};

/** A whole number needs its dot: without it Ion would read an int, and exports hold decimals only. */
const ionNumber = (text: string): string => (text.includes('.') ? text : `${text}.`);

export const ion: Dialect = {
  outputFormat: 'ION',
  suffix: '.ion.gz',
  string: (value) => JSON.stringify(value),
  number: ionNumber,
  boolean: (value) => String(value),
  nothing: () => 'null',
  binary: (base64) => `{{${base64}}}`,
  stringSet: (values) => `$dynamodb_SS::${JSON.stringify(values)}`,
  numberSet: (texts) => `$dynamodb_NS::[${texts.map(ionNumber).join(',')}]`,
  list: (encoded) => `[${encoded.join(',')}]`,
  map: (fields) => `{${fields.join(',')}}`,
  field: (name, encoded) => `${name}:${encoded}`,
  line: (fields) => `$ion_1_0 {Item:{${fields.join(',')}}}\n`,
};
