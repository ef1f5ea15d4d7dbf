// After `npm install` against a registry that does not carry every platform's binaries: npm leaves the missing ones out
// of package-lock.json, and then `npm ci` refuses the file everywhere. This puts them back, by name and version, as the
// packages that want them name them; npm asks for their digests on the platforms that install them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './steps.mjs';

const path = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const platform = /-(android|darwin|freebsd|linux|win32)-(arm64|x64|arm|ia32)(?:-(musl|gnu))?$/.exec(name);
    if (lock.packages[key] !== undefined || platform === null || !/^\d/.test(version)) continue;
    const [, os, cpu, libc] = platform;
    const wanted = { version, cpu: [cpu] };
    if (entry.dev) wanted.dev = true;
    if (os === 'linux') wanted.libc = [libc === 'musl' ? 'musl' : 'glibc'];
    lock.packages[key] = { ...wanted, optional: true, os: [os] };
    added.push(key);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'Nothing was missing.' : `Added:\n${added.join('\n')}`);
