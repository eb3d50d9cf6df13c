/** Writing a set of changes in one transaction. */
import type { Database, Transaction } from '../store/database.ts';

/** What became of one member of a set: what it resolved with, or the error that has undone it. */
export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

/** One member of a set. It has no effect outside of the transaction, and may be run twice. */
type Member<Value> = (transaction: Transaction) => Promise<Value>;

/**
 * Writes a set in one transaction, its members in order. If one fails, each is written in a transaction of its own, so that it takes
 * no other along. Resolves with what became of each, in their order; never rejects.
 */
export async function writeTogether<Value>(
  members: readonly Member<Value>[],
  database: Pick<Database, 'write'>,
): Promise<Outcome<Value>[]> {
  if (members.length === 0) return [];
  const inOrder = async (transaction: Transaction): Promise<Outcome<Value>[]> => {
    const outcomes: Outcome<Value>[] = [];
    for (const member of members) outcomes.push({ value: await member(transaction) });
    return outcomes;
  };
  try {
    return await database.write(inOrder);
  } catch (error) {
    if (members.length === 1) return [{ error }];
  }
  const outcomes: Outcome<Value>[] = [];
  for (const member of members) outcomes.push(await outcomeOf(database.write(member)));
  return outcomes;
}

function outcomeOf<Value>(written: Promise<Value>): Promise<Outcome<Value>> {
  return written.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
