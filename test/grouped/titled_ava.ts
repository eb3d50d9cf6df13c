/**
 * AVA's `test`, for the files of a group: each title begins with the name of its file, as AVA shows it for a file of its own.
 * `hooks.ts` puts this module in the place of `ava`, with the name in its URL.
 */
import realTest, { type ExecutionContext, type TestFn } from 'ava';
import { FILE_PARAMETER, SERIAL_PARAMETER, SLOTS_PARAMETER } from './hooks.ts';
import { takeSlot } from './slots.ts';

export * from 'ava';

type Run = (...args: never[]) => unknown;

/** What a test is declared with: a function, or a macro of AVA. */
type Implementation = Run & { exec?: Run; title?: (raw: string | undefined, ...args: unknown[]) => string };

const { searchParams } = new URL(import.meta.url);
const file = searchParams.get(FILE_PARAMETER) ?? '';
const slots = Number(searchParams.get(SLOTS_PARAMETER) ?? Number.POSITIVE_INFINITY);

/** The same implementation, or macro, under a title that names the file. */
function titled(implementation: Implementation) {
  const title = (raw: string | undefined, ...args: unknown[]): string => {
    const own = implementation.title?.(raw, ...args) ?? raw ?? '';
    return file === '' ? own : `${file} › ${own}`;
  };
  const inner = (implementation.exec ?? implementation) as (t: ExecutionContext, ...args: unknown[]) => unknown;
  const exec = async (t: ExecutionContext, ...args: unknown[]): Promise<unknown> => {
    // What is torn down last was registered first: the slot is free when all of the test's own is gone.
    t.teardown(await takeSlot(slots));
    return inner(t, ...args);
  };
  return { exec: slots === Number.POSITIVE_INFINITY ? inner : exec, title };
}

/** The arguments of a declaration, with a title that names the file. */
function titledArguments(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args;
  if (typeof first !== 'string') return [titled(first as Implementation), ...rest];
  const [implementation, ...others] = rest;
  return [first, titled(implementation as Implementation), ...others];
}

/** Hooks, and what declares no test. */
const AS_IT_IS = /^(macro|before|after|beforeEach|afterEach)$/;

/** A part of AVA's chain that titles what it declares. AVA tells its parts by identity: they are wrapped, and not copied. */
function titling<Chain extends TestFn>(chain: Chain): Chain {
  return new Proxy(chain, {
    get: (target, key, receiver) => {
      const part = Reflect.get(target, key, receiver);
      return AS_IT_IS.test(String(key)) || typeof part !== 'function' ? part : titling(part as Chain);
    },
    apply: (target, self, args) => Reflect.apply(target as unknown as Run, self, titledArguments(args)),
  });
}

/** Every test runs alone: worlds take over the memory of the one before, with all that is prepared there. */
function serialOf(): TestFn {
  const serial = titling(realTest.serial as TestFn);
  return new Proxy(serial, {
    get: (target, key, receiver) => {
      if (key === 'serial') return serial;
      return key === 'macro' ? realTest.macro : Reflect.get(target, key, receiver);
    },
  });
}

export default searchParams.has(SERIAL_PARAMETER) ? serialOf() : titling(realTest);
