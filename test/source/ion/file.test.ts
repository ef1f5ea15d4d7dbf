import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { convertFile } from '../../../src/source/ion/file.ts';
import convertTask from '../../../src/source/ion/worker.ts';
import { canonicalItem, canonicalLine } from '../../data/canonical.ts';
import { ionLine } from '../../data/ion.ts';
import { itemArbitrary, nastyItems, plainDecimal } from '../../data/nasty.ts';

/** One line, as the worker's thread reads it. */
function convert(line: string): string {
  const { bytes, rejects } = convertTask({ bytes: Buffer.from(`${line}\n`), numbers: [7], file: 'f' });
  return rejects[0] === undefined
    ? Buffer.from(bytes).toString().trimEnd()
    : `${rejects[0].line}: ${rejects[0].reason}`;
}

describe('Ion lines', () => {
  test('a line of a real export', () => {
    expect(convert('$ion_1_0 {Item:{a:$dynamodb_SS::["x"],Id:103.,PageCount:6d2}}')).toBe(
      '{"Item":{"a":{"SS":["x"]},"Id":{"N":"103"},"PageCount":{"N":"600"}}}',
    );
  });

  test('every type', () => {
    expect(
      convert(
        '$ion_1_0 {Item:{\'a b\':null,b:true,c:{{aGk=}},d:[1.,"x",{e:{{}},f:[]}],g:$dynamodb_NS::[1.50,-2d1],h:$dynamodb_BS::[{{AA==}}],s:"",m:{}}}',
      ),
    ).toBe(
      '{"Item":{"a b":{"NULL":true},"b":{"BOOL":true},"c":{"B":"aGk="},"d":{"L":[{"N":"1"},{"S":"x"},{"M":{"e":{"B":""},"f":{"L":[]}}}]},' +
        '"g":{"NS":["1.5","-20"]},"h":{"BS":["AA=="]},"s":{"S":""},"m":{"M":{}}}}',
    );
  });

  test('any item is the same in Ion and in DynamoDB JSON', () => {
    fc.assert(
      fc.property(itemArbitrary, fc.constantFrom('point', 'exponent', 'mixed'), (item, style) => {
        expect(canonicalLine(convert(ionLine(item, style)))).toBe(canonicalItem(item));
      }),
    );
  });

  test('fault 74: numbers come through with all digits', () => {
    const digits = '12345678901234567890123456789012345678';
    for (let power = -130; power <= 125 - 37; power += 1) {
      for (const sign of ['', '-']) {
        if (power + 37 < -130) continue;
        expect(convert(`{Item:{n:${sign}${digits}d${power}}}`)).toBe(
          `{"Item":{"n":{"N":"${plainDecimal(sign === '-', digits, power)}"}}}`,
        );
      }
    }
    expect(convert('{Item:{n:-0.}}')).toBe('{"Item":{"n":{"N":"0"}}}');
    expect(convert('{Item:{n:5}}')).toBe('{"Item":{"n":{"N":"5"}}}');
    for (const bad of ['1d126', '1d-131', `${digits}9.`])
      expect(convert(`{Item:{n:${bad}}}`)).toMatch(/^7: attribute n: not a number/);
  });

  test('fault 88: what stands for no DynamoDB type is refused with its place, and no value is shown', () => {
    const reasons: readonly [string, string][] = [
      ['{Item:{a:1e0}}', 'attribute a: Ion type float stands for no DynamoDB type'],
      ['{Item:{a:b}}', 'attribute a: Ion type symbol stands for no DynamoDB type'],
      ['{Item:{a:2020-01-01T}}', 'attribute a: Ion type timestamp stands for no DynamoDB type'],
      ['{Item:{a:null.string}}', 'attribute a: a null of type string'],
      ['{Item:{a:$dynamodb_SS::[]}}', 'attribute a: SS is an empty set'],
      ['{Item:{a:$dynamodb_SS::[1.]}}', 'attribute a: SS holds an Ion decimal'],
      ['{Item:{a:x::"s"}}', 'attribute a: an annotation that is no set of DynamoDB'],
      ['{Item:{a:"1",a:"2"}}', 'attribute a: stands twice'],
      ['{Item:{m:{a:1e0}}}', 'attribute a: Ion type float stands for no DynamoDB type'],
      ['{item:{}}', 'no struct "Item"'],
      ['{Item:{},x:1}', 'more than "Item" in the line'],
      ['{Item:{}} {Item:{}}', 'text after the item'],
      ['{Item:{a:"secret}}', 'not well-formed Ion'],
      ['5', 'not an Ion struct'],
      ['{Item:[]}', 'no struct "Item"'],
    ];
    for (const [line, reason] of reasons) expect(convert(line)).toBe(`7: ${reason}`);
    expect(convert(`{Item:{a:${'['.repeat(5000)}`)).toMatch(/nested deeper|not well-formed/);
  });

  test('fault 86: blobs are strict base64', () => {
    for (const bad of ['A', 'AA', 'AA=', 'AAA', '-_-_', 'A*=='])
      expect(convert(`{Item:{a:{{${bad}}}}}`)).toMatch(/^7: /);
  });
});

describe('convertFile', () => {
  test('a file goes through worker threads in order, and its bad lines become rejects with their numbers', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ion-'));
    const items = nastyItems(11, 3000, { noHuge: true });
    const lines = items.map((item) => ionLine(item));
    lines.splice(1000, 0, '', '{Item:{a:1e0}}');
    lines.splice(2000, 0, 'no ion {');
    const from = join(dir, 'x.ion.gz');
    await writeFile(from, gzipSync(lines.join('\n')));
    const to = join(dir, 'x.json');
    const { bytes, rejects } = await convertFile(from, to, 'data/x.ion.gz');
    const written = await readFile(to, 'utf8');
    expect(Buffer.byteLength(written)).toBe(bytes);
    expect(written.trimEnd().split('\n').map(canonicalLine)).toEqual(items.map(canonicalItem));
    expect(rejects.map(({ file, line, text }) => [file, line, text])).toEqual([
      ['data/x.ion.gz', 1002, '{Item:{a:1e0}}'],
      ['data/x.ion.gz', 2001, 'no ion {'],
    ]);
  });

  test('interrupted, it leaves nothing behind', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ion-'));
    const from = join(dir, 'x.ion.gz');
    await writeFile(from, gzipSync(`${ionLine({ a: { S: 'x'.repeat(1000) } })}\n`.repeat(20_000)));
    const abort = new AbortController();
    const to = join(dir, 'x.json');
    const running = convertFile(from, to, 'x', abort.signal);
    setTimeout(() => abort.abort(), 50);
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(readFile(to)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
