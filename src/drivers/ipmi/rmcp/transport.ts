/** What a client needs of the system: a clock, and datagrams to and from one BMC. */

/** Time. */
export interface RmcpClock {
  /** Milliseconds since some moment; never jumps. */
  monotonic(): number;
  /** Runs `action` once, `delayMs` from now. */
  after(delayMs: number, action: () => void): { cancel(): void };
}

/** What comes from the BMC's side. */
export interface Hearer {
  datagram(bytes: Buffer): void;
  /** Nothing can be sent or heard any more: the system's error. */
  broken(error: NodeJS.ErrnoException): void;
}

/** A way to one BMC. */
export interface Line {
  /** Sends a datagram, or tells the hearer that it is broken, later. Never throws. */
  send(datagram: Buffer): void;
  /** Ends it, after what was sent has gone out. The hearer hears nothing more. */
  close(): void;
}

/** How ways to BMCs are opened. */
export interface Transport {
  /**
   * The IP address of a host name.
   * @param anew the name must be looked up now: an order follows
   * @throws an Error with a `code` if there is none
   */
  resolve(host: string, anew: boolean): Promise<string>;
  /** Opens a way to an IP address. Its failures are told to the hearer. */
  open(address: string, port: number, hearer: Hearer): Line;
  /**
   * Runs `action` when the hearers have been told all that has already arrived. After a moment in which this process did nothing,
   * timers run before sockets are read: without this, answers that lie there would be asked for again, or given up.
   */
  afterArrivals(action: () => void): void;
}
