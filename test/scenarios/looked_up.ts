/** Sees which rows one write looks up, in the database or among those that are kept: whoever moves a row holds it. */
import type { Transaction } from '../../src/server/store/database.ts';
import { WriteQueue } from '../../src/server/store/groups.ts';
import { type KeptRows, keepBehind, keptBehind } from '../../src/server/store/kept.ts';

const UUID = /^[0-9a-f]{8}-/;
const BY_UUID = /^select \* from .(nodes|power_tasks|actions|action_plans|audits). where .uuid. (?:= \?|in \()/;
const KEPT = { node: 'nodes', task: 'power_tasks', action: 'actions', plan: 'action_plans' } as const;

/**
 * What is no look-up: a comparison, what a turn reads ahead of its members, and what `keep` is told. Nor the guard of an action, which asks
 * whether its plan goes on: the hook that supersedes plans is told of that plan by its uuid.
 */
const ASIDE = /compare_and_set\.ts|turn_rows\.ts|setBeforeImage|refuseIfCancelled/;

/** Where the product looks a row up now, in the nearest frames that are not about how rows are found; null if that is aside. */
function placeNow(): string | null {
  const frames = (new Error().stack ?? '').split('\n').filter((line) => line.includes('/src/server/'));
  const own = frames.filter((line) => !/store\/(kept|sqlite|groups|writing)/.test(line));
  if (own.slice(0, 3).some((line) => ASIDE.test(line))) return null;
  return own
    .slice(0, 3)
    .map((line) => line.replace(/.*\/src\/server\//, '').replace(/:\d+\)?$/, ''))
    .join(' < ');
}

/** Rows that were looked up more than once, with where; by how often that was seen. */
const twice = new Map<string, number>();

/** Notes what is looked up from now on, until it is ended. */
class Watch {
  readonly #places = new Map<string, string[]>();

  note(table: string, uuid: string): void {
    const place = placeNow();
    if (place === null) return;
    const key = `${table} ${uuid}`;
    this.#places.set(key, [...(this.#places.get(key) ?? []), place]);
  }

  end(): void {
    for (const [key, places] of this.#places) {
      if (places.length < 2) continue;
      const told = `${key.split(' ')[0]}: ${places.join(' | ')}`;
      twice.set(told, (twice.get(told) ?? 0) + 1);
    }
  }
}

const unwatched = new WeakMap<object, KeptRows>();

async function watched<T>(work: (transaction: Transaction) => Promise<T>, transaction: Transaction): Promise<T> {
  const { sql } = transaction;
  const watch = new Watch();
  const kept = unwatched.get(sql) ?? keptBehind(sql);
  unwatched.set(sql, kept);
  const noted = Object.entries(KEPT).map(([kind, table]) => {
    const find = kept[kind as keyof typeof KEPT];
    return [
      kind,
      (uuid: string) => {
        const row = find(uuid);
        if (row !== undefined) watch.note(table, uuid);
        return row;
      },
    ];
  });
  keepBehind(sql, { ...kept, ...Object.fromEntries(noted) });
  const asked = ({ sql: text, bindings }: { readonly sql: string; readonly bindings: readonly unknown[] }): void => {
    const table = BY_UUID.exec(text)?.[1];
    if (table === undefined) return;
    for (const uuid of new Set(bindings)) if (UUID.test(String(uuid))) watch.note(table, String(uuid));
  };
  sql.on('query', asked);
  try {
    return await work(transaction);
  } finally {
    sql.off('query', asked);
    keepBehind(sql, kept);
    watch.end();
  }
}

/** From now on, every write of this process is watched. The answer tells what one of them has looked up twice, how often, and where. */
export function watchLookups(): () => string[] {
  Error.stackTraceLimit = 40;
  const { add } = WriteQueue.prototype;
  WriteQueue.prototype.add = function <T>(
    this: WriteQueue,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<T> {
    return add.call(this, (transaction: Transaction) => watched(work, transaction)) as Promise<T>;
  };
  return () => [...twice].map(([told, count]) => `${count} ${told}`);
}
