/** The order in which people count: sim4 before sim30, r7n1 before r10n1. */

/** Text and numbers, in turn. */
const parts = (text: string): string[] => text.split(/(\d+)/);

/** Compares two texts, for `sort`: the numbers in them by their value, all else by its characters. */
export function naturally(one: string, other: string): number {
  if (one === other) return 0;
  const [left, right] = [parts(one), parts(other)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const [a = '', b = ''] = [left[at], right[at]];
    if (a === b) continue;
    // Every second part is a number. Those that are equal, such as 7 and 07, are told apart at the end.
    const difference = at % 2 === 1 ? compareDigits(a, b) : 0;
    if (difference !== 0) return difference;
    if (at % 2 === 0) return a < b ? -1 : 1;
  }
  return left.length - right.length || (one < other ? -1 : 1);
}

/** Two numbers in digits, of any length. */
function compareDigits(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+(?=\d)/, ''), b.replace(/^0+(?=\d)/, '')];
  if (left.length !== right.length) return left.length - right.length;
  return left === right ? 0 : left < right ? -1 : 1;
}
