import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAuth } from '../../../src/catalog/rest/auth/open.ts';
import { RestClient } from '../../../src/catalog/rest/http.ts';
import { REST_LIMITS } from '../../../src/catalog/rest/limits.ts';
import { serverOrSkip, VERSITYGW } from '../../servers/available.ts';
import { makeBucket, useCredentials } from '../../servers/buckets.ts';
import { type S3Server, startVersitygw } from '../../servers/versitygw.ts';

// An S3 server checks the signatures that Glue's and S3 Tables' endpoints would.

serverOrSkip('AWS signatures', [VERSITYGW], () => {
  let s3: S3Server;
  let restore: () => void;

  beforeAll(async () => {
    s3 = await startVersitygw();
    restore = useCredentials(s3);
    await makeBucket(s3, 'lake');
  });
  afterAll(async () => {
    restore();
    await s3.stop();
  });

  const client = (region = 'us-east-1'): RestClient => {
    const auth = openAuth({ kind: 'sigv4', service: 's3', aws: { region } }, s3.endpoint, REST_LIMITS);
    return new RestClient(s3.endpoint, auth, { 'x-extra': 'a  b' }, { ...REST_LIMITS, callAttemptsMax: 1 });
  };

  test('are accepted with query and body, and not those of wrong keys', async () => {
    const listed = await client().call('GET', 'lake', { query: { 'list-type': '2', prefix: 'a b/é&=' } });
    expect([listed.status, listed.text.includes('ListBucketResult')]).toEqual([200, true]);
    const body = '<Tagging><TagSet><Tag><Key>k</Key><Value>é</Value></Tag></TagSet></Tagging>';
    const tagged = await client().call('POST', 'lake', { query: { delete: '' }, body: `<Delete>${body}</Delete>` });
    expect(tagged.text).not.toContain('SignatureDoesNotMatch');
    process.env['AWS_SECRET_ACCESS_KEY'] = 'another secret';
    const refused = await client().call('GET', 'lake', { query: { 'list-type': '2' } });
    expect([refused.status, refused.text.includes('SignatureDoesNotMatch')]).toEqual([403, true]);
    process.env['AWS_SECRET_ACCESS_KEY'] = s3.secretKey;
  });
});
