/** The errors by which a database says that it failed, and not the caller. */
import { CountermandError } from '../../core/errors.ts';

const STORAGE_CODES = ['DISK_FULL', 'DATABASE_DAMAGED', 'DATABASE_UNUSABLE', 'LEADERSHIP_LOST'] as const;

/** True if the database itself failed: it may then have undone the whole transaction. */
export function isStorageError(thrown: unknown): thrown is CountermandError {
  return thrown instanceof CountermandError && STORAGE_CODES.some((code) => code === thrown.code);
}

/** True if something failed because the database did, even if another error of ours wraps that: later it may succeed. */
export function isStorageFailure(thrown: unknown): boolean {
  if (isStorageError(thrown)) return true;
  return thrown instanceof CountermandError && thrown.code === 'INTERNAL' && isStorageError(thrown.cause);
}

/** True if something was refused for what was found: neither the database nor this conductor has failed. */
export function isRefusal(thrown: unknown): thrown is CountermandError {
  return thrown instanceof CountermandError && thrown.code !== 'INTERNAL' && !isStorageError(thrown);
}
