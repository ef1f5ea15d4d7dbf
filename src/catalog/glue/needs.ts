/** What AWS must grant for calls of Glue. */
import type { PolicyStatement } from '../../model/doctor.ts';
import type { GlueName } from './names.ts';

export interface GluePlace {
  /** Undefined: any. */
  readonly region: string | undefined;
  readonly account: string | undefined;
}

/** A statement for calls on a table: Glue looks at the grants on its catalog and its database, too. */
export function tableNeeds(place: GluePlace, { database, table }: GlueName, ...actions: string[]): PolicyStatement {
  return statement(place, actions, ['catalog', `database/${database}`, `table/${database}/${table}`]);
}

/** The same for calls on a database. */
export function databaseNeeds(place: GluePlace, { database }: GlueName, ...actions: string[]): PolicyStatement {
  return statement(place, actions, ['catalog', `database/${database}`]);
}

function statement({ region, account }: GluePlace, actions: string[], parts: readonly string[]): PolicyStatement {
  const partition = region?.startsWith('cn-') ? 'aws-cn' : region?.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  const begin = `arn:${partition}:glue:${region ?? '*'}:${account ?? '*'}`;
  return {
    Effect: 'Allow',
    Action: actions.map((action) => `glue:${action}`),
    Resource: parts.map((part) => `${begin}:${part}`),
  };
}
