import type { TableName } from '../../catalog/port.ts';
import type { TableHandle } from '../../model/table.ts';
import type { Storage } from '../../storage/port.ts';

export interface OpenTarget {
  /** Its name in its catalog; absent for a table that is named by its location. */
  readonly name?: TableName;
  readonly storage: Storage;
  /** Key of the table's folder. */
  readonly key: string;
  readonly table: TableHandle;
  close(): Promise<void>;
}

/**
 * What a target is opened for: to be looked at, to tell what would be done, or to be changed. A name in a catalog that
 * is not there yet is refused, stands for nothing, or gets its place.
 */
export type Purpose = 'read' | 'plan' | 'write';
