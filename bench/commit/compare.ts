/** Two writers beside each other on one server: a commit of each in turn, each on a table of its own. */
import { SERVERS } from './servers.ts';
import { type Cost, PyIceberg, ROWS, Tailrace, type Writer } from './writers.ts';

export interface Compared {
  readonly title: string;
  readonly tailrace: readonly Cost[];
  /** Absent: it does not work with this server. */
  readonly pyiceberg?: readonly Cost[];
}

export interface CompareRequest {
  readonly commits: number;
  /** An empty folder. */
  readonly dir: string;
  readonly log: (line: string) => void;
}

/** Commits before the clock starts: connections are opened, and code is compiled. */
const WARM_UPS = 10;

/** Measures one catalog. */
export async function compare(catalog: keyof typeof SERVERS, { commits, dir, log }: CompareRequest): Promise<Compared> {
  const server = await SERVERS[catalog](dir);
  const writers: { readonly writer: Writer; readonly costs: Cost[] }[] = [];
  try {
    writers.push({ writer: await Tailrace.open(server, 'ours', dir), costs: [] });
    if (server.pyiceberg !== undefined) writers.push({ writer: await PyIceberg.open(server, 'theirs'), costs: [] });
    for (let n = 0; n < WARM_UPS + commits; n += 1) {
      for (const { writer, costs } of n % 2 === 0 ? writers : [...writers].reverse()) {
        const cost = await writer.append(n);
        if (n >= WARM_UPS) costs.push(cost);
      }
    }
    for (const { writer } of writers) {
      const rows = await writer.count();
      if (rows !== ROWS * (WARM_UPS + commits)) throw new Error(`${server.title}: ${rows} rows`);
    }
    log(`${server.title}: done`);
    const [tailrace, pyiceberg] = writers.map(({ costs }) => costs);
    return { title: server.title, tailrace: tailrace ?? [], ...(pyiceberg === undefined ? {} : { pyiceberg }) };
  } finally {
    for (const { writer } of writers) await writer.close().catch(() => undefined);
    await server.stop();
  }
}
