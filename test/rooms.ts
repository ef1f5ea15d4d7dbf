import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What tests put into the temporary folder lies in one folder of it, which goes when they have ended. */
export default function openRoom(): () => void {
  const room = mkdtempSync(join(tmpdir(), 'tailrace-tests-'));
  // A server of a test may run as another user, who must be able to come to its own folder in there.
  chmodSync(room, 0o711);
  process.env['TMPDIR'] = room;
  return () => rmSync(room, { recursive: true, force: true, maxRetries: 5 });
}
