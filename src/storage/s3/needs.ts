/** What AWS must grant for objects below a place. */
import type { PolicyStatement } from '../../model/doctor.ts';

/** Statements by what they are for; of places that are not on S3, none. */
export interface FileNeeds {
  readonly list: readonly PolicyStatement[];
  readonly read: readonly PolicyStatement[];
  readonly write: readonly PolicyStatement[];
  readonly remove: readonly PolicyStatement[];
}

const NONE: FileNeeds = { list: [], read: [], write: [], remove: [] };

/** For a folder `s3://bucket/key`; a whole bucket without a key. */
export function fileNeeds(uri: string, region?: string): FileNeeds {
  const [, bucket, folder = ''] = /^s3[an]?:\/\/([^/]+)\/?(.*?)\/*$/s.exec(uri) ?? [];
  if (bucket === undefined) return NONE;
  const partition = region?.startsWith('cn-') ? 'aws-cn' : region?.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  const arn = `arn:${partition}:s3:::${bucket}`;
  const objects = folder === '' ? `${arn}/*` : `${arn}/${folder}/*`;
  const within = { Condition: { StringLike: { 's3:prefix': [folder, `${folder}/*`] } } };
  const allow = (action: string): readonly PolicyStatement[] => [
    { Effect: 'Allow', Action: [`s3:${action}`], Resource: [objects] },
  ];
  return {
    list: [{ Effect: 'Allow', Action: ['s3:ListBucket'], Resource: [arn], ...(folder === '' ? {} : within) }],
    read: allow('GetObject'),
    write: allow('PutObject'),
    remove: allow('DeleteObject'),
  };
}
