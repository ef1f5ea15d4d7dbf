/**
 * A server that takes every put and keeps none: what is measured against it is the client alone. It counts the puts that
 * came, and tells of a table called orders with the key id. `npx tsx bench/load/sink.ts` prints its address.
 */
import { createServer } from 'node:http';
import { crc32 } from 'node:zlib';

const PUT = Buffer.from('"PutRequest"');
const TABLE = {
  TableName: 'orders',
  TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/orders',
  TableId: 'sink',
  TableStatus: 'ACTIVE',
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  ProvisionedThroughput: { ReadCapacityUnits: 0, WriteCapacityUnits: 0 },
};
let puts = 0;

const server = createServer((request, reply) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const target = String(request.headers['x-amz-target'] ?? '');
    if (target.endsWith('.DescribeTable')) return answer({ Table: TABLE });
    if (!target.endsWith('.BatchWriteItem')) return answer({ puts });
    const body = Buffer.concat(chunks);
    let count = 0;
    for (let at = body.indexOf(PUT); at >= 0; at = body.indexOf(PUT, at + PUT.length)) count += 1;
    puts += count;
    answer({ UnprocessedItems: {}, ConsumedCapacity: [{ TableName: 'orders', CapacityUnits: count }] });
  });
  const answer = (told: object): void => {
    const body = Buffer.from(JSON.stringify(told));
    reply.writeHead(200, {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': body.length,
      'x-amz-crc32': String(crc32(body)),
    });
    reply.end(body);
  };
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`http://127.0.0.1:${address?.port}`);
});
