/** What kinds of configuration keys there are. */
import * as z from 'zod';

/** Which daemon reads a key. `countermand serve` is both: a conductor with an agent inside. */
type Reader = 'conductor' | 'agent' | 'both';

/** One key. */
export interface ConfigurationKey<T = unknown> {
  /** What a value must be, to follow "must be". */
  readonly type: string;
  /** The place of the value in a flag: `--listen <host:port>`. */
  readonly placeholder: string;
  /** Made when a value is checked: few keys are given, and all rules together cost a tenth of a start. */
  readonly rule: () => z.ZodType<T>;
  /** Absent if the default is found at the start, or if there is none. */
  readonly fallback?: T;
  /** The default in words, where `fallback` does not say it. */
  readonly fallbackWords?: string;
  readonly readBy: Reader;
  /** Its flag stands at every command, because commands and agents need it alike. */
  readonly everywhere?: true;
  readonly meaning: string;
  /** A value may contain what others must not see, so that an error does not repeat it. */
  readonly hidden?: true;
}

/** More is taken for a slip: 30 days. */
const LONGEST_S = 2_592_000;

type KeyParts<T> = Omit<ConfigurationKey<T>, 'type' | 'placeholder' | 'rule'>;

// Each keeps the type of its parts, which says whether there is a fallback.
/** A key that is a whole number of seconds. */
export const wholeSeconds = <const Parts extends KeyParts<number>>(least: number, parts: Parts) => ({
  type: `a whole number of seconds from ${least} to ${LONGEST_S}`,
  placeholder: 'seconds',
  rule: () => z.int().min(least).max(LONGEST_S),
  ...parts,
});

/** A key that is a number of seconds. */
export const seconds = <const Parts extends KeyParts<number>>(least: number, parts: Parts) => ({
  type: `a number of seconds from ${least} to ${LONGEST_S}`,
  placeholder: 'seconds',
  rule: () => z.number().min(least).max(LONGEST_S),
  ...parts,
});

/** A key that is a folder. */
export const folder = <const Parts extends KeyParts<string>>(parts: Parts) => ({
  type: 'the path of a folder',
  placeholder: 'folder',
  rule: () =>
    z
      .string()
      .min(1)
      .regex(/^[^\0]*$/),
  ...parts,
});

/** A key that is a file. */
export const file = <const Parts extends KeyParts<string>>(parts: Parts) => ({
  ...folder(parts),
  type: 'the path of a file',
  placeholder: 'file',
});

/** A key that is a name. */
export const name = <const Parts extends KeyParts<string>>(parts: Parts) => ({
  type: 'a name: 1 to 255 letters, digits, dots, dashes and underscores',
  placeholder: 'name',
  rule: () => z.string().regex(/^[\w.-]{1,255}$/),
  ...parts,
});

/** A key that says where another one is. */
export const secretPlace = (parts: KeyParts<string>): ConfigurationKey<string> => ({
  type: 'file:PATH, env:VARIABLE or credential:NAME',
  placeholder: 'place',
  rule: () => z.string().regex(/^(file:[^\0]+|env:[A-Za-z_]\w*|credential:[\w.-]{1,255})$/),
  hidden: true,
  ...parts,
});
