/** The chain of the audit trail, as the conductor writes it and as anyone can check it. */
import { digestOf } from './digest.ts';

/**
 * The digest of an entry: SHA-256, in hexadecimal, of a JSON array of the digest before it and the text of the entry.
 * @param before empty for the first entry
 */
export const trailDigest = (before: string, entry: string): string => digestOf([before, entry]);
