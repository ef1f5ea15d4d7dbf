import { describe, expect, test } from 'vitest';
import { glueError } from '../../../src/catalog/glue/errors.ts';
import { dynamoError } from '../../../src/dynamodb/errors.ts';
import type { PolicyStatement } from '../../../src/model/doctor.ts';
import { TailraceError } from '../../../src/model/errors.ts';
import { denialOf, isDenied } from '../../../src/pipeline/doctor/denial.ts';
import { grantsOf, merged } from '../../../src/pipeline/doctor/grants.ts';
import { s3Error } from '../../../src/storage/s3/errors.ts';

/** An error as the SDK throws it. */
function thrown(code: string, status: number, message: string): Error {
  return Object.assign(new Error(message), { name: code, $metadata: { httpStatusCode: status } });
}
const glue = (message: string, code = 'AccessDeniedException'): TailraceError =>
  glueError(thrown(code, 400, message), 'read the table', 'lake.shop.orders');
const s3 = (message: string, code = 'AccessDenied'): TailraceError => {
  const error = s3Error(thrown(code, 403, message), 's3://lake/orders/x', undefined);
  return error instanceof TailraceError ? error : expect.fail('no error');
};

describe('what AWS says of a refusal', () => {
  const ROLE = 'arn:aws:sts::111122223333:assumed-role/loader/tailrace';

  test('who, what, on which resource, and the policy that lacks it', () => {
    const resource = 'arn:aws:glue:eu-central-1:111122223333:catalog';
    const text = `User: ${ROLE} is not authorized to perform: glue:GetTable on resource: ${resource}`;
    const error = glue(`${text} because no identity-based policy allows the glue:GetTable action`);
    const told = { principal: ROLE, action: 'glue:GetTable', resource };
    expect(denialOf(error)).toEqual({ ...told, why: 'not granted', policy: 'identity-based policy' });
    expect(denialOf(glue(text))).toEqual(told);
    expect(denialOf(glue(`${text}.`))).toEqual(told);
  });

  test.each([
    ['with an explicit deny in a service control policy', 'denied', 'service control policy'],
    ['with an explicit deny in an identity-based policy', 'denied', 'identity-based policy'],
    ['with an explicit deny in a permissions boundary', 'denied', 'permissions boundary'],
    [
      'with an explicit deny in a resource-based policy: arn:aws:iam::111122223333:policy/p',
      'denied',
      'resource-based policy',
    ],
    ['because no session policy allows the s3:PutObject action', 'not granted', 'session policy'],
    ['because no VPC endpoint policy allows the s3:PutObject action', 'not granted', 'VPC endpoint policy'],
    ['because no permissions boundary allows the s3:PutObject action', 'not granted', 'permissions boundary'],
    ['because no resource-based policy allows the s3:PutObject action', 'not granted', 'resource-based policy'],
  ])('%s', (reason, why, policy) => {
    const resource = 'arn:aws:s3:::lake/orders/x';
    const text = `User: ${ROLE} is not authorized to perform: s3:PutObject on resource: "${resource}" ${reason}`;
    expect(denialOf(s3(text))).toEqual({ principal: ROLE, action: 's3:PutObject', resource, why, policy });
  });

  test('no more than it says', () => {
    expect(denialOf(s3('Access Denied'))).toBeUndefined();
    const lake = 'Insufficient Lake Formation permission(s): Required Alter on orders';
    expect(denialOf(glue(lake))).toBeUndefined();
    expect(isDenied(glue(lake))).toBe(true);
    const text =
      `User: ${ROLE} is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext ` +
      'because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access';
    expect(denialOf(s3(text))).toEqual({ principal: ROLE, action: 'kms:Decrypt' });
  });

  test('credentials that nobody has are told apart from those that were refused', () => {
    const none = Object.assign(new Error('Could not load credentials'), { name: 'CredentialsProviderError' });
    const found = 'were found (CredentialsProviderError).';
    expect(s3Error(none, 's3://b/k', undefined).message).toBe(`No credentials for s3://b/k ${found}`);
    expect(dynamoError(none, 'orders', 'dynamodb:Scan').message).toBe(`No credentials for table orders ${found}`);
    expect(s3('wrong', 'SignatureDoesNotMatch').message).toContain('were not accepted');
  });

  test('credentials that were not accepted are no missing permission', () => {
    expect(isDenied(s3('Access Denied'))).toBe(true);
    expect(isDenied(s3('The key does not exist.', 'InvalidAccessKeyId'))).toBe(false);
    expect(isDenied(s3('wrong', 'SignatureDoesNotMatch'))).toBe(false);
    expect(isDenied(glue('The security token is invalid.', 'UnrecognizedClientException'))).toBe(false);
    expect(isDenied(new TailraceError('UNREACHABLE', 'no'))).toBe(false);
  });
});

describe('what would grant it', () => {
  const table: PolicyStatement = {
    Effect: 'Allow',
    Action: ['glue:UpdateTable'],
    Resource: ['arn:aws:glue:*:*:catalog', 'arn:aws:glue:*:*:table/shop/orders'],
  };

  test('region and account are those of the refusal', () => {
    const denial = { action: 'glue:UpdateTable', resource: 'arn:aws-cn:glue:cn-north-1:111122223333:catalog' };
    const begin = 'arn:aws-cn:glue:cn-north-1:111122223333';
    expect(grantsOf([table], denial)).toEqual([
      { ...table, Resource: [`${begin}:catalog`, `${begin}:table/shop/orders`] },
    ]);
    expect(grantsOf([table], undefined)).toEqual([table]);
  });

  test('a bucket has neither', () => {
    const write: PolicyStatement = {
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Resource: ['arn:aws:s3:::lake/orders/*'],
    };
    const denial = { action: 's3:PutObject', resource: 'arn:aws:s3:::lake/orders/.tailrace-probe-1' };
    expect(grantsOf([write], denial)).toEqual([write]);
  });

  test('what another service refuses is granted by what it says', () => {
    const write: PolicyStatement = {
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Resource: ['arn:aws:s3:::lake/orders/*'],
    };
    const resource = 'arn:aws:kms:eu-central-1:111122223333:key/k';
    expect(grantsOf([write], { action: 'kms:GenerateDataKey', resource })).toEqual([
      { Effect: 'Allow', Action: ['kms:GenerateDataKey'], Resource: [resource] },
    ]);
  });

  test('statements of one place are one', () => {
    const read: PolicyStatement = { ...table, Action: ['glue:GetTable'] };
    expect(merged([read, table, read])).toEqual([{ ...table, Action: ['glue:GetTable', 'glue:UpdateTable'] }]);
  });
});
