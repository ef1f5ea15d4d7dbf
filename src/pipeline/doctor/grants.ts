/** The statements of a policy that would grant what was refused. */
import type { Denial, PolicyStatement } from '../../model/doctor.ts';

/** Statements with the same resources and conditions are one. */
export function merged(statements: readonly PolicyStatement[]): readonly PolicyStatement[] {
  const byPlace = new Map<string, PolicyStatement>();
  for (const statement of statements) {
    const { Action, Resource, Condition } = statement;
    const place = JSON.stringify([Resource, Condition]);
    const before = byPlace.get(place)?.Action ?? [];
    byPlace.set(place, { ...statement, Action: [...new Set([...before, ...Action])] });
  }
  return [...byPlace.values()];
}

/**
 * What would grant a refused call: what it needs, with the account and region that the refusal tells. A refusal of
 * another action than expected (the key of an encrypted bucket) says by itself what is missing.
 */
export function grantsOf(needs: readonly PolicyStatement[], denial: Denial | undefined): readonly PolicyStatement[] {
  if (denial === undefined) return needs;
  const { action, resource } = denial;
  const [service = ''] = action.split(':');
  const expected = needs.some(({ Action }) => Action.some((each) => each.startsWith(`${service}:`)));
  if (!expected) return [{ Effect: 'Allow', Action: [action], Resource: [resource ?? '*'] }];
  const named = needs.filter(({ Action }) => Action.includes(action));
  const all = named.length > 0 ? named : needs.map((need) => ({ ...need, Action: [action] }));
  return all.map((need) => ({
    ...need,
    Action: [action],
    Resource: need.Resource.map((arn) => placed(arn, resource)),
  }));
}

/** `arn:aws:glue:*:*:catalog`, with partition, region and account of the resource that was refused. */
function placed(arn: string, resource: string | undefined): string {
  const [, partition, service, region, account] = resource?.split(':') ?? [];
  const parts = arn.split(':');
  if (parts[2] !== service || partition === undefined) return arn;
  return [
    'arn',
    partition,
    service,
    parts[3] === '*' ? region || '*' : parts[3],
    parts[4] === '*' ? account || '*' : parts[4],
    ...parts.slice(5),
  ].join(':');
}
