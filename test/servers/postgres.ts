import { spawnSync } from 'node:child_process';
import { chown, cp, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HIVE } from './available.ts';
import { freePort, startServer } from './child.ts';

export interface Postgres {
  /** For JDBC; no password is asked for. */
  readonly url: string;
  readonly user: string;
  stop(): Promise<void>;
}

/** PostgreSQL on a free port, with an empty database in a folder of its own. */
export async function startPostgres(): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), 'tailrace-postgres-'));
  const [port, user] = [await freePort(), 'hive'];
  try {
    const { bin, as } = await programs(folder);
    const data = join(folder, 'data');
    const init = ['-D', data, '-U', user, '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
    const done = spawnSync(join(bin, 'initdb'), init, { ...as, cwd: folder, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`initdb: ${done.error?.message ?? done.stderr}`);
    const stop = await startServer({
      command: join(bin, 'postgres'),
      args: ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', '', '-c', 'fsync=off'],
      cwd: folder,
      as,
      ready: () => answers(port),
    });
    return {
      url: `jdbc:postgresql://127.0.0.1:${port}/postgres`,
      user,
      stop: async () => {
        await stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** PostgreSQL does not run as root. Then it runs as nobody, who may not be able to read where it is unpacked. */
async function programs(folder: string): Promise<{ bin: string; as: { uid?: number; gid?: number } }> {
  const unpacked = join(HIVE, 'postgres');
  if (process.getuid?.() !== 0) return { bin: join(unpacked, 'bin'), as: {} };
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout));
  if (uid === undefined || gid === undefined || uid === 0) throw new Error('there is no user nobody');
  await cp(unpacked, join(folder, 'postgres'), { recursive: true });
  await chown(folder, uid, gid);
  return { bin: join(folder, 'postgres', 'bin'), as: { uid, gid } };
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
