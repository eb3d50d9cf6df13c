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

/**
 * Checks a trail whose entries are given from the oldest on. Old entries may have been deleted: then an anchor says which. That may also happen while the
 * trail is read, so the end may have anchors for entries that were given, or that should have been next.
 */
export class TrailCheck {
  /** What fits nothing before it that was given: the oldest entry, and each one after entries that are not there. */
  readonly #begins: ChainedEntry[] = [];
  #last: ChainedEntry | null = null;
  readonly #anchors: Anchor[] = [];
  #count = 0;

  /** How many entries there are so far. */
  get count(): number {
    return this.#count;
  }

  /** The number of the last entry that was deleted because it was old; null if none was. */
  get prunedTo(): number | null {
    return this.#anchors.at(-1)?.sequence ?? null;
  }

  /** True for the digest of the last entry that was deleted because it was old. */
  isPruned(digest: string): boolean {
    return this.#anchors.at(-1)?.digest === digest;
  }

  /** Takes the next entry. @returns what is wrong, in a sentence; null if it fits what is before it, or if an anchor that is still to come may tell why not */
  add(entry: ChainedEntry): string | null {
    const before = this.#last;
    this.#last = entry;
    this.#count += 1;
    if (before === null || trailDigest(before.digest, entry.entry) !== entry.digest) {
      if (before !== null && Number(entry.sequence) === Number(before.sequence) + 1) return unfit(entry);
      this.#begins.push(entry);
    }
    const anchor = anchorIn(entry.entry);
    if (anchor !== null) this.#anchors.push(anchor);
    return null;
  }

  /** What is wrong where nothing stands before an entry, when all were given, in a sentence; null if nothing is. */
  end(): string | null {
    const [first, ...later] = this.#begins;
    if (first === undefined) return null;
    const follows = (entry: ChainedEntry, digest: string): boolean => trailDigest(digest, entry.entry) === entry.digest;
    const isAnchored = (entry: ChainedEntry): boolean =>
      this.#anchors.some(({ sequence, digest }) => sequence < Number(entry.sequence) && follows(entry, digest));
    const lost = later.find((entry) => !isAnchored(entry));
    if (lost !== undefined) return unfit(lost);
    if (isAnchored(first) || follows(first, '')) return null;
    const anchor = this.#anchors.at(-1);
    if (anchor === undefined) return unfit(first);
    return `entry ${first.sequence} does not fit the newest anchor: more than the entries up to ${anchor.sequence} was taken away at the beginning, or changed`;
  }
}

const unfit = ({ sequence }: ChainedEntry): string =>
  `entry ${sequence} does not fit what is before it: one was changed, added or taken out`;
