/** Look-ups that share a statement: to take back a thousand actions at once, a thousand tasks are looked for at the same moment. */
import type { Knex } from 'knex';

/** Finds what many keys mean. */
type FindAll<Key, Found> = (keys: readonly Key[], sql: Knex) => Promise<Found>;

/**
 * A look-up of one key by one for many: those that are asked for in the same moment, before anything is waited for, are looked up together.
 * Each caller gets all that was found, or the error of the one look-up.
 */
export function askedTogether<Key, Found>(findAll: FindAll<Key, Found>): (key: Key, sql: Knex) => Promise<Found> {
  const gathering = new WeakMap<Knex, { readonly keys: Key[]; readonly found: Promise<Found> }>();
  return (key, sql) => {
    const open = gathering.get(sql);
    if (open !== undefined) {
      open.keys.push(key);
      return open.found;
    }
    const keys = [key];
    const found = Promise.resolve().then(() => {
      gathering.delete(sql);
      return findAll(keys, sql);
    });
    gathering.set(sql, { keys, found });
    return found;
  };
}
