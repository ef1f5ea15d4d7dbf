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
