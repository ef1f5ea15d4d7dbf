import { readdirSync, readFileSync } from 'node:fs';

/**
 * Resident memory of all descendants of a process, the process itself left out, in bytes. Pages that
 * two processes share count twice; on a system without /proc it is 0, and only the kernel's own account
 * of the largest process remains.
 */
export function descendantsRssBytes(pid: number): number {
  const children = childrenByParent();
  let sum = 0;
  const open = [...(children.get(pid) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    sum += rssBytes(next);
    open.push(...(children.get(next) ?? []));
  }
  return sum;
}

function childrenByParent(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of listProc()) {
    const parent = parentOf(name);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [Number(name)]);
    else siblings.push(Number(name));
  }
  return children;
}

function listProc(): readonly string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** The fourth field of /proc/<pid>/stat; the second may hold spaces and brackets, so count from its end. */
function parentOf(pid: string): number | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[1] === undefined ? undefined : Number(fields[1]);
}

function rssBytes(pid: number): number {
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
  return resident === undefined ? 0 : Number(resident) * 1024;
}

/** A process may end between the listing and the reading. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
