import { parseFilter } from './parse.ts';
import { printFilter } from './print.ts';

/** The one spelling of a filter's text; two that mean the same condition are spelled alike. USAGE where it is none. */
export function normalFilter(text: string): string {
  return printFilter(parseFilter(text));
}
