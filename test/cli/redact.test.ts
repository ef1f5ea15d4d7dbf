import { describe, expect, test } from 'vitest';
import { createLog } from '../../src/cli/print/log.ts';
import { redactor } from '../../src/cli/print/redact.ts';
import { styleFor } from '../../src/cli/print/style.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const TOKEN = 'IQoJb3JpZ2luX2VjEXAMPLETOKEN==';
const redact = redactor({ AWS_SECRET_ACCESS_KEY: SECRET, AWS_SESSION_TOKEN: TOKEN });

describe('credentials', () => {
  test.each([
    `signed with ${SECRET}`,
    `token ${TOKEN}, expired`,
    'https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2024&X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027&x=1',
    'AKIAIOSFODNN7EXAMPLE is not allowed',
    'ASIAIOSFODNN7EXAMPLE is not allowed',
    'aws_secret_access_key = abcdefEXAMPLE',
    '{"secretAccessKey":"abcdefEXAMPLE"}',
    'Authorization: Bearer eyJhbGciEXAMPLE.xyz',
    'http://user:passEXAMPLEword@proxy:3128/',
  ])('are taken out of %j', (text) => {
    expect(redact.text(text)).toContain('[redacted]');
    expect(redact.text(text)).not.toMatch(/EXAMPLE|fe5f80f7/);
  });

  test.each([
    'key pk, sk',
    'arn:aws:dynamodb:eu-west-1:123456789012:table/Secrets',
    's3://bucket/AKIA/x',
    'http://localhost:4566',
  ])('leave %j alone', (text) => expect(redact.text(text)).toBe(text));

  test('fields go by their names, at any depth', () => {
    expect(
      redact.value({
        region: 'x',
        credentials: { accessKeyId: 'a' },
        aws: [{ sessionToken: 't', roleArn: 'r', externalId: 'e' }],
        n: 1n,
        none: undefined,
        error: new Error(`bad ${SECRET}`),
      }),
    ).toMatchObject({
      region: 'x',
      credentials: '[redacted]',
      aws: [{ sessionToken: '[redacted]', roleArn: 'r', externalId: '[redacted]' }],
      n: '1',
      error: { message: 'bad [redacted]' },
    });
  });

  test('short dummies of local servers do not blot out ordinary words', () => {
    expect(redactor({ AWS_SECRET_ACCESS_KEY: 'test' }).text('a test')).toBe('a test');
  });
});

describe('the log', () => {
  const logged = async (level: 'debug' | 'info' | 'warn' | 'silent', isTerminal: boolean): Promise<string> => {
    let text = '';
    const { log, done } = createLog({
      level,
      isTerminal,
      style: styleFor({ isTerminal: false }, {}),
      redact,
      write: (part) => {
        text += part;
      },
    });
    log('debug', 'd');
    log('info', `i ${SECRET}`, { password: 'hunter2', files: 3 });
    log('warn', 'w');
    await done();
    return text;
  };

  test('is one JSON object a line, without secrets', async () => {
    const text = await logged('info', false);
    expect(text).not.toMatch(/hunter2|wJalr/);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { level: 30, msg: 'i [redacted]', password: '[redacted]', files: 3 },
      { level: 40, msg: 'w' },
    ]);
    expect(lines[0]?.['time']).toMatch(/^\d{4}-/);
  });

  test('is lines for people on a terminal', async () => {
    expect(await logged('debug', true)).toBe('debug d\ninfo  i [redacted] password=[redacted] files=3\nwarn  w\n');
  });

  test('keeps to its level', async () => {
    expect((await logged('warn', false)).split('\n')).toHaveLength(2);
    expect(await logged('silent', false)).toBe('');
  });
});
