import { randomBytes } from 'node:crypto';
import type { DescribedTable } from '../../dynamodb/describe.ts';
import type { FullExport } from '../../source/port.ts';
import type { Piece } from '../../source/scan/spool.ts';

/** A piece of a scan as a full export: whoever reads an export reads it. Its files and items are those that it has by then. */
export function exportOf(table: DescribedTable, piece: Piece, exportArn: string): FullExport {
  return {
    kind: 'full',
    exportArn,
    tableArn: table.arn,
    tableId: table.id,
    tableName: table.name,
    format: 'DYNAMODB_JSON',
    exportTime: new Date().toISOString(),
    trusted: false,
    digest: randomBytes(16).toString('hex'),
    warnings: [],
    uri: `dynamodb:${table.named}`,
    get itemCount() {
      return piece.items;
    },
    get files() {
      return piece.files.map(({ source }) => source);
    },
  };
}
