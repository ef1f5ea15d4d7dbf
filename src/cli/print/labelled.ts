/** `  label     text`. */
export function labelled(label: string, text: string): string {
  return `  ${label.padEnd(9)} ${text}`;
}
