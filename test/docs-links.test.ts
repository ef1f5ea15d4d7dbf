import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

test('links between documents lead somewhere', () => {
  const folders = ['docs', 'examples'].filter((folder) => existsSync(join(root, folder)));
  const below = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  );
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...below.filter((path) => path.endsWith('.md'))];
  const broken = pages.flatMap((page) => {
    const links = readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)\s]+)\)/g);
    const targets = [...links]
      .map(([, target = '']) => target.replace(/#.*/, ''))
      .filter((target) => !/^\w+:|^$/.test(target));
    return targets
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`);
  });
  expect(broken).toEqual([]);
});

test('tests that documents name are there', () => {
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\.md$/.test(path),
  );
  const missing = pages.flatMap((page) => {
    const named = readFileSync(join(root, 'docs', page), 'utf8').matchAll(/\btest\/[\w./-]+\.(?:ts|py)\b/g);
    return [...named].filter(([path]) => !existsSync(join(root, path))).map(([path]) => `${page}: ${path}`);
  });
  expect(missing).toEqual([]);
});

test('policies in the guides are JSON', () => {
  const folder = join(root, 'docs', 'guides');
  const broken = readdirSync(folder).flatMap((page) =>
    [...readFileSync(join(folder, page), 'utf8').matchAll(/```json\n(.*?)```/gs)].flatMap(([, text = '']) => {
      try {
        JSON.parse(text);
        return [];
      } catch {
        return [`${page}: ${text.slice(0, 60)}`];
      }
    }),
  );
  expect(broken).toEqual([]);
});
