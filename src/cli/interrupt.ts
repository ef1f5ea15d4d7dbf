/** Exit code of a run that a signal ended. */
const INTERRUPTED_EXIT = 130;

/**
 * Aborts at the first Ctrl-C or SIGTERM, so that the run can end well; the second ends the process at once. It stands
 * alone, so that it can listen before all that takes time to load.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(INTERRUPTED_EXIT);
      controller.abort();
    });
  }
  return controller.signal;
}
