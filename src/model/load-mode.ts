/** What becomes of the rows of a table that is there when items are read as they are now. */
export type LoadMode = 'mirror' | 'append' | 'upsert' | 'overwrite-partitions' | 'overwrite';
