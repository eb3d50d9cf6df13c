/**
 * Whether code runs inside of a write. One connection serves all, so a read or another write that is begun there and waited
 * for would wait for itself. It fails at once instead.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Knex } from 'knex';
import { fail } from '../../core/errors.ts';

interface OpenWrite {
  readonly database: object;
  /** False when its work has settled: what it has left running may read. */
  open: boolean;
}

const writes = new AsyncLocalStorage<OpenWrite>();

/** Runs the work of a write. Until it settles, `refuseInWrite` refuses what it begins. */
export async function insideWrite<T>(database: object, work: () => Promise<T>): Promise<T> {
  const write: OpenWrite = { database, open: true };
  try {
    return await writes.run(write, work);
  } finally {
    write.open = false;
  }
}

/** @throws INTERNAL inside of a write of this database: its work must use the transaction that it was given */
export function refuseInWrite(database: object, what: 'read' | 'write'): void {
  const write = writes.getStore();
  if (write?.open && write.database === database)
    throw fail('INTERNAL', `a ${what} was begun inside of a write and would wait for it forever; use its transaction`);
}

/** Makes `sql`, which serves what runs outside of writes, refuse what runs inside of one. */
export function refuseReadsInWrites(sql: Knex, database: object): void {
  const acquire = sql.client.acquireConnection.bind(sql.client);
  sql.client.acquireConnection = () => {
    refuseInWrite(database, 'read');
    return acquire();
  };
}
