const SECRET_NAME =
  /secret|session_?token|security_?token|password|authorization|credential|access_?key_?id|external_?id|private_?key/i;
const SECRET_TEXT: readonly (readonly [RegExp, string])[] = [
  [/\b((?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{2})[A-Z0-9]{10,}\b/g, '$1[redacted]'],
  [/((?:X-Amz-(?:Signature|Security-Token|Credential)|AWSAccessKeyId|Signature)=)[^&\s"']+/gi, '$1[redacted]'],
  [
    /((?:aws_)?(?:secret_access_key|session_token|secretAccessKey|sessionToken)["']?\s*[:=]\s*["']?)[^\s"',}]+/gi,
    '$1[redacted]',
  ],
  [/\b(Bearer\s+)[\w.~+/=-]+/gi, '$1[redacted]'],
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:)[^\s/@]+(@)/gi, '$1[redacted]$2'],
];
const SECRET_VARIABLES = ['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_SECURITY_TOKEN'];

/** Takes credentials out of what is logged or printed as an error. */
export interface Redactor {
  text(text: string): string;
  /** A copy in which secret texts, and every field with a secret's name, are replaced. */
  value(value: unknown): unknown;
}

/** A redactor that also knows this process's own secrets by value: AWS's, and those of further variables. */
export function redactor(
  env: Readonly<Record<string, string | undefined>>,
  variables: readonly string[] = [],
): Redactor {
  // Shorter values would be dummies of tests and local servers, such as `test`, which appear in ordinary words.
  const own = [...SECRET_VARIABLES, ...variables].flatMap((name) =>
    (env[name]?.length ?? 0) >= 8 ? [env[name] ?? ''] : [],
  );
  const text = (raw: string): string => {
    const known = own.reduce((result, secret) => result.replaceAll(secret, '[redacted]'), raw);
    return SECRET_TEXT.reduce((result, [pattern, replacement]) => result.replaceAll(pattern, replacement), known);
  };
  const value = (raw: unknown, depth = 0): unknown => {
    if (typeof raw === 'string') return text(raw);
    if (typeof raw === 'bigint') return raw.toString();
    if (raw instanceof Error) return { name: raw.name, message: text(raw.message), stack: text(raw.stack ?? '') };
    if (typeof raw !== 'object' || raw === null) return raw;
    if (depth > 6) return '[deep]';
    if (Array.isArray(raw)) return raw.map((entry) => value(entry, depth + 1));
    return Object.fromEntries(
      Object.entries(raw).map(([name, entry]) => [
        name,
        SECRET_NAME.test(name) && entry !== undefined && entry !== null ? '[redacted]' : value(entry, depth + 1),
      ]),
    );
  };
  return { text, value };
}
