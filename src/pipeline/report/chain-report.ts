import type { TailraceError } from '../../model/errors.ts';
import type { ChainExport, ChainReport, ReportError } from '../../model/report.ts';
import type { FoundExport } from '../../source/port.ts';
import type { ChainPlan } from '../chain/chain.ts';
import { exportCommand, missingWindows } from '../chain/missing.ts';

/** Calls that a report spells out: a year without windows needs 365. */
const MAX_COMMANDS = 400;

/** A plan as reports show it. */
export function chainReport(plan: ChainPlan): ChainReport {
  const { table, gap, refusal } = plan;
  const exports: ChainExport[] = [
    ...plan.steps.map(({ export: each, kind, gapBefore, withinMinute }) => ({
      state: 'next' as const,
      ...factsOf(each),
      kind,
      ...(gapBefore === undefined ? {} : { gapBefore }),
      ...(withinMinute === undefined ? {} : { withinMinute }),
    })),
    ...plan.waiting.map((each) => ({ state: 'waiting' as const, ...factsOf(each) })),
    ...plan.skipped.map(({ export: each, reason, text }) => ({
      state: 'skipped' as const,
      ...factsOf(each),
      reason,
      text,
    })),
  ];
  const beside = plan.waiting[0];
  return {
    tableArn: table.tableArn,
    tableId: table.tableId,
    tableName: table.tableName,
    exports,
    ...(gap === undefined || beside === undefined
      ? {}
      : {
          gap,
          close: missingWindows(gap, plan.gapAfterFullExport === true)
            .slice(0, MAX_COMMANDS)
            .map((window) => exportCommand(window, beside)),
        }),
    ...(refusal === undefined ? {} : { stops: reportErrorOf(refusal) }),
  };
}

function factsOf({ kind, exportArn, uri, from, to, items }: FoundExport): Omit<ChainExport, 'state'> {
  return { kind: kind === 'full' ? 'full' : 'window', exportArn, uri, from, to, items };
}

/** An error as reports hold it. */
export function reportErrorOf({ code, message, expected, found, place, hint }: TailraceError): ReportError {
  return {
    code,
    message,
    ...(expected === undefined ? {} : { expected }),
    ...(found === undefined ? {} : { found }),
    ...(place === undefined ? {} : { place }),
    ...(hint === undefined ? {} : { hint }),
  };
}
