/** Which numbered packets of a session have come before (IPMI 2.0 section 6.12.13). */

/** How far behind the highest number a packet may come. */
const WIDTH = 32;
const NUMBERS = 2 ** 32;

/** The numbers that were seen, as far as it matters. */
export class SequenceWindow {
  #highest = 0;
  /** Bit n: the number n below the highest was seen. */
  #seen = 1;

  /** True the first time that a number comes, if it is not too old. 0 is no number of a session. */
  accept(sequence: number): boolean {
    if (sequence === 0) return false;
    const ahead = (sequence - this.#highest + NUMBERS) % NUMBERS;
    if (ahead === 0) return false;
    if (ahead < NUMBERS / 2) {
      this.#seen = ahead >= WIDTH ? 1 : ((this.#seen << ahead) | 1) >>> 0;
      this.#highest = sequence;
      return true;
    }
    const behind = NUMBERS - ahead;
    if (behind >= WIDTH) return false;
    const bit = (1 << behind) >>> 0;
    if ((this.#seen & bit) !== 0) return false;
    this.#seen = (this.#seen | bit) >>> 0;
    return true;
  }
}
