/** How many there are of something, in all and from each address: whoever reaches a port has no other name before it has said who it is. */

/** Counts from each address. An address that has none is not kept. */
export class ByAddress {
  readonly #counts = new Map<string, number>();
  #all = 0;

  /** From all addresses. */
  get all(): number {
    return this.#all;
  }

  /** From one address. */
  of(address: string): number {
    return this.#counts.get(address) ?? 0;
  }

  /** Counts more from an address. @param more negative: less */
  add(address: string, more: number): void {
    const now = this.of(address) + more;
    this.#all += more;
    if (now > 0) this.#counts.set(address, now);
    else this.#counts.delete(address);
  }
}
