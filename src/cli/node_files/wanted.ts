/** Nodes as a file wants them, in whichever form it is written, and what was found on the way. */
import { isObject } from '../shared/order_file.ts';

/** One node of a file. What the file does not say is not there, and stays as it is. */
export interface WantedNode {
  /** Where it stands: `nodes[3]`, `line 4`. */
  readonly place: string;
  readonly name: string;
  /** Empty if the file names none. */
  readonly uuid: string;
  readonly driver: string;
  readonly driverInfo: Readonly<Record<string, string>>;
  readonly zone?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly maintenance?: boolean | undefined;
  readonly maintenanceReason?: string | undefined;
}

/** What was found in a file: the keys that were ignored, and what is wrong, each with its place. */
export class Notes {
  readonly #ignored = new Map<string, number>();
  readonly #faults: string[] = [];

  /** Counts a key that says nothing of interest here. */
  ignore(key: string): void {
    this.#ignored.set(key, (this.#ignored.get(key) ?? 0) + 1);
  }

  /** Notes what is wrong at a place. */
  fault(place: string, sentence: string): void {
    this.#faults.push(`${place}: ${sentence}`);
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  /** The ignored keys, with how often each stood there: `properties (12), traits (3)`; empty if there are none. */
  get ignored(): string {
    const all = [...this.#ignored].sort(([one], [other]) => (one < other ? -1 : 1));
    return all.map(([key, count]) => (count === 1 ? key : `${key} (${count})`)).join(', ');
  }
}

/** The keys of one thing in a file, taken one by one; what is left over at the end is ignored or refused. */
export interface Item {
  readonly place: string;
  /** True if the key is there and says something. */
  has(key: string): boolean;
  /** A text; empty if it is not there. */
  text(key: string): string;
  /** True or false; undefined if it is not there. */
  flag(key: string): boolean | undefined;
  /** `KEY: VALUE` pairs; none if they are not there. */
  pairs(key: string): Record<string, string>;
  /** A thing in it, null if it is not there. */
  inner(key: string): Item | null;
  /** The keys that were not taken yet. */
  left(): readonly string[];
  /** Notes what was not taken: the keys of `harmless` as ignored, all others as faults. */
  end(harmless: ReadonlySet<string>): void;
}

/**
 * Opens a thing. Values of JSON and YAML are texts, as they are for the conductor. Null, with a fault, if it is none.
 * @param advice what to do about a key that is not known
 */
export function openItem(
  values: unknown,
  place: string,
  notes: Notes,
  rename = (key: string) => key,
  advice = 'take it out if it does not matter',
): Item | null {
  if (!isObject(values)) {
    notes.fault(place, 'must be KEY: VALUE pairs');
    return null;
  }
  const left = new Map(Object.entries(values).map(([key, value]) => [rename(key), value]));
  const take = (key: string): unknown => {
    const value = left.get(key) ?? undefined;
    left.delete(key);
    return value;
  };
  const textOf = (value: unknown, key: string): string => {
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (value !== undefined && value !== null) notes.fault(`${place}.${key}`, 'must be text');
    return '';
  };
  return {
    place,
    has: (key) => (left.get(key) ?? '') !== '',
    text: (key) => textOf(take(key), key),
    flag(key) {
      const word = textOf(take(key), key).toLowerCase();
      if (word === '') return undefined;
      if (word !== 'true' && word !== 'false') notes.fault(`${place}.${key}`, 'must be true or false');
      return word === 'true';
    },
    pairs(key) {
      const value = take(key);
      if (value === undefined || value === '') return {};
      if (!isObject(value)) {
        notes.fault(`${place}.${key}`, 'must be KEY: VALUE pairs');
        return {};
      }
      const said = Object.entries(value).filter(([, inner]) => inner !== null && inner !== undefined);
      return Object.fromEntries(said.map(([name, inner]) => [name, textOf(inner, `${key}.${name}`)]));
    },
    inner(key) {
      const value = take(key);
      return value === undefined || value === '' ? null : openItem(parsedText(value), `${place}.${key}`, notes);
    },
    left: () => [...left.keys()],
    end(harmless) {
      for (const key of left.keys())
        if (harmless.has(key)) notes.ignore(key);
        else notes.fault(`${place}.${key}`, `is a key that countermand does not know; ${advice}`);
    },
  };
}

/** A thing that was written as a text of JSON. */
function parsedText(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** What tools write in the place of a secret. */
const MASKED = /^(?:\*{3,}|•{3,}|<(?:hidden|masked|redacted|secret)>|\[?redacted\]?)$/i;

/** Notes each value that is the mask of a secret, and not the secret. */
export function refuseMasks(info: Readonly<Record<string, string>>, place: string, notes: Notes): void {
  for (const [key, value] of Object.entries(info))
    if (MASKED.test(value))
      notes.fault(
        `${place}.${key}`,
        `'${value}' stands for a secret, and is not the secret; write the secret there, or env:NAME or file:NAME, or take the key out of a node that is enrolled`,
      );
}
