// Preloaded: sends the process a signal while the command's own modules are still being loaded.
import { register } from 'node:module';

const hook = `export async function load(url, context, next) {
  if (url.includes('/src/cli/process.ts')) {
    process.kill(process.pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
