// The least that a client can do: the pages of some segments over kept connections, no byte looked at.
// node raw.mjs <endpoint> <segments>
import { Agent, request } from 'node:http';

const [endpoint, segments] = [process.argv[2], Number(process.argv[3])];
const agent = new Agent({ keepAlive: true });
const headers = { 'x-amz-target': 'DynamoDB_20120810.Scan', 'content-type': 'application/x-amz-json-1.0' };

function page(segment, start) {
  const body = JSON.stringify({
    TableName: 'orders',
    Segment: segment,
    TotalSegments: segments,
    ExclusiveStartKey: start,
  });
  return new Promise((resolve, reject) => {
    const call = request(endpoint, { method: 'POST', agent, headers }, (response) => {
      let bytes = 0;
      let tail = Buffer.alloc(0);
      response.on('data', (chunk) => {
        bytes += chunk.length;
        tail = chunk.length < 200 ? Buffer.concat([tail, chunk]) : chunk;
      });
      response.on('end', () => resolve({ bytes, more: tail.includes('"LastEvaluatedKey"') }));
    });
    call.on('error', reject);
    call.end(body);
  });
}

const started = performance.now();
let bytes = 0;
await Promise.all(
  Array.from({ length: segments }, async (_, segment) => {
    let start;
    for (;;) {
      const got = await page(segment, start);
      bytes += got.bytes;
      if (!got.more) return;
      start = { pk: { S: 'page' }, sk: { S: '0' } };
    }
  }),
);
agent.destroy();
console.log(JSON.stringify({ bytes, seconds: (performance.now() - started) / 1000 }));
