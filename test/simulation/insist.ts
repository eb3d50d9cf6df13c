/** Throws a sentence unless what it says is otherwise. */
export function insist(truth: boolean | undefined, sentence: string): asserts truth {
  if (!truth) throw new Error(sentence);
}
