/** The chain of the audit trail, as the conductor writes it and as anyone can check it. */
import { digestOf } from './digest.ts';

/**
 * The digest of an entry: SHA-256, in hexadecimal, of a JSON array of the digest before it and the text of the entry.
 * @param before empty for the first entry
 */
export const trailDigest = (before: string, entry: string): string => digestOf([before, entry]);

/** What an anchor is called where an entry names its RPC. No RPC is called so: theirs have a slash. */
export const ANCHOR = 'Retention';

/** The last of the entries that were deleted because they were old. */
interface Anchor {
  readonly sequence: number;
  readonly digest: string;
}

/** What an entry says of entries that were deleted before it; null if it is not an anchor. */
function anchorIn(entry: string): Anchor | null {
  // Inside of a text the quotes would be escaped.
  if (!entry.includes(`"rpc":"${ANCHOR}"`)) return null;
  const { rpc, pruned } = JSON.parse(entry) as { readonly rpc?: unknown; readonly pruned?: Anchor };
  return rpc === ANCHOR && pruned !== undefined ? pruned : null;
}

/** An entry, as far as the chain is concerned. */
interface ChainedEntry {
  readonly sequence: bigint | number;
  readonly entry: string;
  readonly digest: string;
}

/** Checks a trail whose entries are given from the oldest on. Old entries may have been deleted: then the newest anchor says which. */
export class TrailCheck {
  #first: ChainedEntry | null = null;
  #last: ChainedEntry | null = null;
  #anchor: Anchor | null = null;
  #count = 0;

  /** How many entries there are so far. */
  get count(): number {
    return this.#count;
  }

  /** The number of the last entry that was deleted because it was old; null if none was. */
  get prunedTo(): number | null {
    return this.#anchor?.sequence ?? null;
  }

  /** True for the digest of the last entry that was deleted because it was old. */
  isPruned(digest: string): boolean {
    return this.#anchor?.digest === digest;
  }

  /** Takes the next entry. @returns what is wrong, in a sentence; null if it fits what is before it */
  add(entry: ChainedEntry): string | null {
    const before = this.#last;
    this.#first ??= entry;
    this.#last = entry;
    this.#count += 1;
    if (before !== null && trailDigest(before.digest, entry.entry) !== entry.digest) return unfit(entry);
    this.#anchor = anchorIn(entry.entry) ?? this.#anchor;
    return null;
  }

  /** What is wrong with the beginning, when all entries were given, in a sentence; null if nothing is. */
  end(): string | null {
    if (this.#first === null) return null;
    const before = this.#anchor?.digest ?? '';
    if (trailDigest(before, this.#first.entry) === this.#first.digest) return null;
    if (this.#anchor === null) return unfit(this.#first);
    return `entry ${this.#first.sequence} does not fit the newest anchor: more than the entries up to ${this.#anchor.sequence} was taken away at the beginning, or changed`;
  }
}

const unfit = ({ sequence }: ChainedEntry): string =>
  `entry ${sequence} does not fit what is before it: one was changed, added or taken out`;
