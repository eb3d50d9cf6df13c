/** Writing a set of changes in one transaction. */
import type { Database, Transaction } from '../store/database.ts';

/** What became of one member of a set: what it resolved with, or the error that has undone it. */
export type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

/** One member of a set. It has no effect outside of the transaction, and may be run twice. */
type Member<Value, Known> = (transaction: Transaction, known: Known) => Promise<Value>;

/** Reads what the members of a set must know, once for all: in their transaction, or outside of it (null). */
type Look<Known> = (transaction: Transaction | null) => Promise<Known>;

/**
 * Writes a set in one transaction, its members in order. If one fails, each is written for itself, in the same order, so that it takes
 * no other along. Resolves with what became of each, in their order; never rejects.
 */
export async function writeTogether<Value, Known>(
  members: readonly Member<Value, Known>[],
  database: Pick<Database, 'write'>,
  look: Look<Known>,
): Promise<Outcome<Value>[]> {
  if (members.length === 0) return [];
  const inOrder = async (transaction: Transaction): Promise<Outcome<Value>[]> => {
    const known = await look(transaction);
    const outcomes: Outcome<Value>[] = [];
    for (const member of members) outcomes.push({ value: await member(transaction, known) });
    return outcomes;
  };
  try {
    return await database.write(inOrder);
  } catch (error) {
    if (members.length === 1) return [{ error }];
  }
  try {
    const known = await look(null);
    // They wait together, so they share commits.
    const written = members.map((member) => outcomeOf(database.write((transaction) => member(transaction, known))));
    return await Promise.all(written);
  } catch (error) {
    return members.map(() => ({ error }));
  }
}

function outcomeOf<Value>(written: Promise<Value>): Promise<Outcome<Value>> {
  return written.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
