import { TailraceError } from '../../model/errors.ts';
import type { Address } from './thrift/connection.ts';

const PORT = 9083;

/** The addresses of `thrift://a:9083,thrift://b:9083`; spaces will do, too. */
export function addressesOf(text: string, place: string): readonly Address[] {
  return text
    .trim()
    .split(/[\s,]+/)
    .map((part) => {
      const [, host, port = String(PORT)] =
        /^thrift:\/\/(\[[0-9a-fA-F:.]+\]|[^:/@\s[\]]+)(?::(\d{1,5}))?\/?$/.exec(part) ?? [];
      if (host === undefined || Number(port) > 65_535) throw wrong(part, place);
      return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
    });
}

function wrong(found: string, place: string): TailraceError {
  return new TailraceError('CONFIG', `“${found}” is no address of a Hive Metastore.`, {
    place,
    expected: 'thrift://host:9083, or several with commas between them',
    found,
    hint: 'Correct `uri` in the settings of the catalog.',
  });
}
