/** Nodes that a measurement enrols in a conductor of someone else, where nodes of the same names may have been before. */

/** How a node is enrolled and deleted there. */
interface Ways {
  enrol(name: string): Promise<unknown>;
  remove(name: string): Promise<unknown>;
}

/**
 * Enrols the nodes, at most `atOnce` at a time, uses them, and deletes them however that ends; but only those whose enrolment was
 * answered with success: every other node of such a name is not ours.
 * @throws what the first enrolment that failed threw, or else what `use` throws; not what a deletion throws
 */
export async function whileEnrolled<T>(
  names: readonly string[],
  atOnce: number,
  { enrol, remove }: Ways,
  use: () => Promise<T>,
): Promise<T> {
  const ours: string[] = [];
  try {
    for (const some of portions(names, atOnce)) {
      const outcomes = await Promise.allSettled(some.map(async (name) => enrol(name).then(() => ours.push(name))));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    }
    return await use();
  } finally {
    for (const some of portions(ours, atOnce)) await Promise.allSettled(some.map(async (name) => remove(name)));
  }
}

function portions(names: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, at) => names.slice(at * size, (at + 1) * size));
}
