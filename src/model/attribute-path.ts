/** A step into a list's elements, whichever; and into the values of a map whose names are data. */
export const ELEMENT = -1;
export const VALUE = -2;

/** From an item to a value: names of attributes, places in a list from 0, ELEMENT and VALUE. */
export type AttributePath = readonly (string | number)[];

const BARE = /^[^\s.,"[\]{}\p{Cc}]+$/u;

/**
 * The one text of a path, which no two paths share: `address.city`, `lines[].sku`, `lines[3]`, `prices{}`. A name that
 * is empty, or holds a space, a control character or one of `. , " [ ] { }`, stands in quotes, as JSON has it: `"a.b".c`.
 */
export function pathText(path: AttributePath): string {
  return path.map((step, index) => (typeof step === 'string' ? nameText(step, index) : innerText(step))).join('');
}

/** Whether a path's text leads into a value of an attribute, rather than to the attribute. */
export function isNested(text: string): boolean {
  return !(BARE.test(text) || /^"([^"\\]|\\.)*"$/.test(text));
}

function nameText(name: string, index: number): string {
  return `${index === 0 ? '' : '.'}${BARE.test(name) ? name : JSON.stringify(name)}`;
}

function innerText(step: number): string {
  return step === VALUE ? '{}' : `[${step === ELEMENT ? '' : step}]`;
}
