import type { Storage } from '../../../src/storage/port.ts';

/** A storage of which some calls are replaced, and which counts them. */
export function faulty(storage: Storage, faults: Partial<Storage>): Storage & { readonly calls: string[] } {
  const calls: string[] = [];
  const proxy = new Proxy(storage, {
    get(target, name: keyof Storage | 'calls') {
      if (name === 'calls') return calls;
      const replaced = faults[name] ?? target[name];
      if (typeof replaced !== 'function') return replaced;
      return (...args: readonly unknown[]) => {
        calls.push(`${name} ${String(args[0])}`);
        return Reflect.apply(replaced, target, args) as unknown;
      };
    },
  });
  return proxy as Storage & { readonly calls: string[] };
}

/** All keys and bodies below a prefix. */
export async function contents(storage: Storage, prefix: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const { key } of storage.list(prefix))
    found.set(key, Buffer.from(await storage.get(key)).toString('latin1'));
  return found;
}

/** A storage whose process dies at its nth call, before or after the call's effect, and stays dead. */
export function dying(storage: Storage, n: number, after: boolean): Storage {
  let left = n;
  return new Proxy(storage, {
    get(target, name: keyof Storage) {
      const call = target[name];
      if (typeof call !== 'function') return call;
      if (name === 'uri' || name === 'key' || name === 'list') return call.bind(target);
      return async (...args: readonly unknown[]) => {
        left -= 1;
        if (left < -1 || (left === -1 && !after)) throw new Error('killed');
        const result: unknown = await Reflect.apply(call, target, args);
        if (left === -1) throw new Error('killed');
        return result;
      };
    },
  });
}
