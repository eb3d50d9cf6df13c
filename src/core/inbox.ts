/** Where messages come into the installation: what the conductor knows of a message broker that it reads from. */

/** A queue of this installation at one broker. It is opened anew after each failure. */
export interface Inbox {
  /** The broker, for people; without a password. */
  readonly place: string;
  /**
   * Opens the queue and hands its messages over, one after the other in their order, until the connection breaks.
   * A message leaves the queue when `take` has resolved; if it resolves with false, it is refused, and never comes again. If `take`
   * rejects, or the process dies before, the message stays in the queue and comes again.
   * @param queue its name; it is made if it is not there
   * @param take gets the body
   * @param opened called when the queue is open, before the first message
   * @throws DeliveryFailure when the broker cannot be reached or the connection breaks; what `take` has rejected with; the reason of the
   *   abort, soon
   */
  read(
    queue: string,
    take: (body: Uint8Array) => Promise<boolean>,
    opened: () => void,
    signal: AbortSignal,
  ): Promise<never>;
}
