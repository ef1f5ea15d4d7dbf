/** Most characters of a cell before the last column; longer text is cut with an ellipsis. */
const CELL_MAX = 44;

/** Lines of a table with a header, for people; numbers stand to the right. */
export function textTable(header: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => row.map((value, index) => cell(value, index === row.length - 1)));
  const widths = header.map((name, index) => Math.max(name.length, ...cells.map((row) => row[index]?.length ?? 0)));
  const right = header.map(
    (_, index) => cells.length > 0 && cells.every((row) => /^-?[\d.,]*$/.test(row[index] ?? '')),
  );
  const line = (values: readonly string[]): string =>
    values
      .map((value, index) =>
        right[index] === true ? value.padStart(widths[index] ?? 0) : value.padEnd(widths[index] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((width) => '─'.repeat(width))), ...cells.map(line)].join('\n');
}

function cell(value: unknown, last: boolean): string {
  const text = value === null || value === undefined ? '' : String(value);
  return last || text.length <= CELL_MAX ? text : `${text.slice(0, CELL_MAX - 1)}…`;
}
