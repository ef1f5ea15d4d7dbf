import type { DoctorCheck, DoctorReport } from '../../model/doctor.ts';
import { warningLines } from './report-text.ts';
import type { Style } from './style.ts';
import { visible } from './text-width.ts';
import { plural } from './units.ts';

const MARKS = { passed: 'ok', failed: 'failed', untried: 'untried' } as const;

/** What a run would meet, for people: each end with what was tried, then what is missing. */
export function doctorText(report: DoctorReport, style: Style): string {
  const { checks, policy, left } = report;
  const lines = [
    ...endLines('source', report.source, checks, style),
    ...endLines('target', report.target, checks, style),
    ...endLines('run', '', checks, style),
    '',
    headline(report, style),
  ];
  if (policy !== undefined) {
    lines.push('', style.bold('This policy would grant what is missing'), JSON.stringify(policy, undefined, 2));
  }
  for (const uri of left) {
    lines.push(`${style.warn('left')} ${visible(uri)} was written to try the target, and could not be removed`);
  }
  return `${[...lines, ...warningLines(report.warnings, style)].join('\n')}\n`;
}

function endLines(end: DoctorCheck['end'], name: string, checks: readonly DoctorCheck[], style: Style): string[] {
  const own = checks.filter((check) => check.end === end);
  if (own.length === 0) return [];
  return [`${style.bold(end)} ${visible(name)}`.trimEnd(), ...own.flatMap((check) => checkLines(check, style))];
}

function checkLines(check: DoctorCheck, style: Style): string[] {
  const { what, state, found, error, denial } = check;
  const mark = MARKS[state].padEnd(8);
  const paint = { passed: style.good, failed: style.bad, untried: style.dim }[state];
  const lines = [`  ${paint(mark)} ${visible(what)}${found === undefined ? '' : style.dim(`: ${visible(found)}`)}`];
  if (error !== undefined) lines.push(detail(`${error.code}: ${error.message}`));
  if (denial !== undefined) lines.push(detail(denialText(denial)));
  if (state === 'untried')
    for (const { Action } of check.needs ?? []) lines.push(detail(`it takes ${Action.join(', ')}`));
  if (error?.hint !== undefined) lines.push(detail(`try: ${error.hint}`));
  return lines;
}

function denialText({ principal, action, resource, why, policy }: NonNullable<DoctorCheck['denial']>): string {
  const who = principal ?? 'the caller';
  const on = resource === undefined ? '' : ` on ${resource}`;
  const cause = why === 'denied' ? `: a ${policy} denies it` : policy === undefined ? '' : `: no ${policy} allows it`;
  return `${who} may not ${action}${on}${cause}`;
}

function detail(text: string): string {
  return `           ${visible(text)}`;
}

function headline({ outcome, checks }: DoctorReport, style: Style): string {
  const count = (state: DoctorCheck['state']): number => checks.filter((check) => check.state === state).length;
  const untried = count('untried') === 0 ? '' : `; ${count('untried')} could not be tried`;
  if (outcome === 'ready') return `${style.good('Ready')}: ${plural(count('passed'), 'check')} passed${untried}`;
  return `${style.bad('Not ready')}: ${count('failed')} of ${plural(checks.length, 'check')} failed${untried}`;
}
