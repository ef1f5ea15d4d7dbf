/** Refusals of AWS, taken apart: who may not do what with which resource, and which policy is in the way. */
import { isCredentialCode as isGlueCredentialCode } from '../../catalog/glue/errors.ts';
import { isCredentialCode as isDynamoCredentialCode } from '../../dynamodb/errors.ts';
import type { Denial } from '../../model/doctor.ts';
import type { TailraceError } from '../../model/errors.ts';
import type { Findings } from '../../model/findings.ts';
import { isCredentialCode } from '../../storage/s3/errors.ts';

const NOT_AUTHORIZED =
  /User: (\S+) is not authorized to perform: ([\w-]+:[\w*]+)(?: on resource: "?((?:arn:|\*)[^\s"]*[^\s".]|\*)"?)?/;
const FORBIDDEN = /with an explicit deny in (?:an? |the )?([\w -]*?(?:policy|boundary))/;
const LACKING = /because no ([\w -]*?(?:policies|policy|boundary|boundaries)) allows? /;
/** As the errors of S3 and Glue quote it in their cause. */
const QUOTED = /^(\w+)(?: \(HTTP \d+\))?: /;

/** Whether an error tells of a permission that lacks, and not of credentials that were not accepted. */
export function isDenied(error: TailraceError): boolean {
  if (error.code !== 'ACCESS_DENIED') return false;
  const code = QUOTED.exec(messageIn(error))?.[1] ?? '';
  return ![isCredentialCode, isGlueCredentialCode, isDynamoCredentialCode].some((speaks) => speaks(code));
}

/** Whether a grant in a policy of IAM can help: what Lake Formation refuses is granted there. */
export function isGrantable(error: TailraceError): boolean {
  return isDenied(error) && denialOf(error)?.why !== 'denied' && !/Lake Formation/.test(error.found ?? '');
}

/** Whether something failed in a way that nothing else there would fare better. */
export function endsAll({ all }: Findings): boolean {
  return all.some(
    ({ error }) => error?.code === 'UNREACHABLE' || (error?.code === 'ACCESS_DENIED' && !isDenied(error)),
  );
}

/** What AWS says of a refusal; undefined where it says no more than that. */
export function denialOf(error: TailraceError): Denial | undefined {
  const text = [error.found ?? '', messageIn(error)].join('\n');
  const [, principal, action, resource] = NOT_AUTHORIZED.exec(text) ?? [];
  if (principal === undefined || action === undefined) return undefined;
  const forbidden = FORBIDDEN.exec(text)?.[1];
  const lacking = LACKING.exec(text)?.[1];
  return {
    principal,
    action,
    ...(resource === undefined ? {} : { resource }),
    ...(forbidden === undefined ? {} : { why: 'denied', policy: forbidden.trim() }),
    ...(forbidden !== undefined || lacking === undefined ? {} : { why: 'not granted', policy: lacking.trim() }),
  };
}

function messageIn({ cause }: TailraceError): string {
  return cause instanceof Error ? cause.message : '';
}
