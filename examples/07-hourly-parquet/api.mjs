// An API of flowers, on loopback: pages of 40 with a token for the next one, and a key that is asked for.
import { createServer } from 'node:http';

const COLORS = ['red', 'white', 'yellow', undefined];
const flowers = Array.from({ length: 200 }, (_, n) => {
  const color = COLORS[n % COLORS.length];
  const price = 9_007_199_254_740_993n + BigInt(n);
  // Written by hand, because JSON.stringify cannot write a number that large.
  return `{"Id":${n},"name":"flower ${n}"${color === undefined ? '' : `,"color":"${color}"`},"inStock":${n % 3 > 0},"seeds":${price}}`;
});

const server = createServer((request, reply) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  if (url.searchParams.get('key') !== 'example-key') return reply.writeHead(401).end();
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const next = from + 40 < flowers.length ? `"${from + 40}"` : 'null';
  reply.writeHead(200, { 'content-type': 'application/json' });
  reply.end(`{"data":[${flowers.slice(from, from + 40).join(',')}],"meta":{"next":${next}}}`);
});
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
