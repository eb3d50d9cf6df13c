/** How many tests of a process run at once. One count for all files of a group. */
let running = 0;
const waiting: (() => void)[] = [];

/** Resolves when fewer than `count` tests run; what it resolves with gives the place to the next. */
export async function takeSlot(count: number): Promise<() => void> {
  if (running >= count) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  return () => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
}
