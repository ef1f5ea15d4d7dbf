import { TailraceError } from '../../model/errors.ts';
import type { Storage } from '../../storage/port.ts';
import { join } from './folder.ts';

/** AWS documents the first name; real exports have the second. */
const SUFFIXES = ['checksum', 'md5'] as const;
const MAX_BYTES = 1024;

export type ChecksumResult =
  | { readonly kind: 'agrees' }
  | { readonly kind: 'missing'; readonly text: string }
  | { readonly kind: 'disagrees'; readonly text: string };

/** Compares a manifest's MD5 with its checksum file (with both, if both are there). Throws unless a disagreement is trusted. */
export async function checkManifest(
  storage: Storage,
  folder: string,
  manifest: string,
  md5Base64: string,
  trustManifest: boolean,
): Promise<ChecksumResult> {
  const stem = manifest.replace(/\.json$/, '');
  let seen = 0;
  for (const suffix of SUFFIXES) {
    const name = `${stem}.${suffix}`;
    const written = await readChecksum(storage, join(folder, name));
    if (written === undefined) continue;
    seen += 1;
    if (written === md5Base64) continue;
    if (!trustManifest) throw disagrees(storage, folder, manifest, name, written, md5Base64);
    return {
      kind: 'disagrees',
      text: `${manifest} does not agree with ${name}; it was loaded because the manifest is trusted.`,
    };
  }
  if (seen > 0) return { kind: 'agrees' };
  return {
    kind: 'missing',
    text: `${manifest} has no checksum file (${SUFFIXES.map((suffix) => `${stem}.${suffix}`).join(' or ')}).`,
  };
}

async function readChecksum(storage: Storage, key: string): Promise<string | undefined> {
  const info = await storage.head(key);
  if (info === undefined) return undefined;
  if (info.sizeBytes === 0) return '';
  const bytes = await storage.get(key, { offset: 0, length: Math.min(info.sizeBytes, MAX_BYTES) });
  return Buffer.from(bytes)
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trim();
}

function disagrees(
  storage: Storage,
  folder: string,
  manifest: string,
  checksum: string,
  written: string,
  computed: string,
): TailraceError {
  return new TailraceError(
    'MANIFEST_CHECKSUM',
    `${manifest} does not agree with ${checksum}: one of them was changed.`,
    {
      expected: `MD5 ${written.slice(0, 40)} (${checksum})`,
      found: `MD5 ${computed} (${manifest})`,
      place: storage.uri(join(folder, manifest)),
      hint: 'Copy both again from the export; or, if you know what was changed, load it with --trust-manifest.',
    },
  );
}
