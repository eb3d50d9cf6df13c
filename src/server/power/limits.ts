/** Times that rule power tasks, in milliseconds; the configuration keys of the same names are in seconds. */
export interface Limits {
  /** A soft order that gives no timeout of its own; also the length of a *may still change* window. */
  readonly softPowerOffTimeoutMs: number;
  /** Every other order, and the second half of a soft reboot. */
  readonly powerStateChangeTimeoutMs: number;
  /** The longest timeout that a soft order may name. */
  readonly softPowerOffTimeoutLimitMs: number;
  /** The longest timeout that any other order may name, and the longest time that it can hold a node. */
  readonly powerStateChangeTimeoutLimitMs: number;
  /** From accepted to sent; an order that takes longer is never sent. */
  readonly startTimeoutMs: number;
  /** How long an abort waits for an agent. */
  readonly abortTimeoutMs: number;
  /** How long a host must be seen running after its BMC has taken a recall. */
  readonly recallConfirmMs: number;
  /** Between two readings of a node that may still change. */
  readonly windowReadIntervalMs: number;
  /** Between two readings of every node; 0 reads none. */
  readonly syncPowerStateIntervalMs: number;
  /** How long an order without an id, or a request over HTTP, that equals one before it is taken for a repetition of that. */
  readonly repetitionWindowMs: number;
  /** How many nodes are read at the same time. */
  readonly syncPowerStateWorkers: number;
}
