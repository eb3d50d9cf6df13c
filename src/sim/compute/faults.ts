/** What can go wrong with a pretended compute service. */

/** What becomes of live migrations. */
export const LIVE_FAULTS = {
  none: 'they work',
  'no-valid-host': 'answered with 202, then refused by the scheduler',
  preparation: 'the preparation at the destination fails; rolled back',
  fails: 'the copy fails; rolled back, and no reason is given',
  error: 'the instance ends in ERROR, and its guest runs at the source',
  'error-moved': 'the instance ends in ERROR at the destination',
  'times-out': 'the service gives the copy up by itself, as if it had been aborted',
  stuck: 'the copy never ends',
  'post-copy': 'the copy is past the point where it can be aborted',
} as const;

/** What becomes of cold migrations. */
export const COLD_FAULTS = {
  none: 'they work',
  'no-valid-host': 'answered with 202, then refused by the scheduler',
  error: 'the instance ends in ERROR at the source',
  finish: 'the instance ends in ERROR at the destination',
} as const;

/** What becomes of aborts of live migrations; each is answered with 202. */
export const ABORT_FAULTS = {
  none: 'they work',
  refused: 'the hypervisor refuses, and the migration goes on',
  nothing: 'nothing happens',
} as const;

/** What becomes of the answers to orders. */
export const ANSWER_FAULTS = {
  none: 'they arrive',
  'lost-before': 'the connection ends before the order was read',
  'lost-after': 'the connection ends after the order was taken',
} as const;

/** The faults of one instance. */
export interface InstanceFaults {
  readonly live: keyof typeof LIVE_FAULTS;
  readonly cold: keyof typeof COLD_FAULTS;
  readonly abort: keyof typeof ABORT_FAULTS;
  readonly answers: keyof typeof ANSWER_FAULTS;
  /** Its power orders are taken, and nothing follows. */
  readonly powerStuck: boolean;
}

/** An instance with which nothing goes wrong. */
export const HEALTHY_INSTANCE: InstanceFaults = {
  live: 'none',
  cold: 'none',
  abort: 'none',
  answers: 'none',
  powerStuck: false,
};

/** How long things take, in milliseconds. */
export interface ComputeTimes {
  /** Until the record of a migration is there, after the 202. */
  readonly recordMs: number;
  /** Until the scheduler has chosen and all checks are made. */
  readonly acceptedMs: number;
  readonly preparingMs: number;
  readonly liveMs: number;
  readonly coldMs: number;
  /** Short steps, such as the switch to the destination, a rollback or a confirmation. */
  readonly stepMs: number;
  readonly powerMs: number;
  /** Until a nova-compute that is silent counts as down. */
  readonly downAfterMs: number;
}

/** As seen on a small cloud with quick copies. */
export const USUAL_TIMES: ComputeTimes = {
  recordMs: 300,
  acceptedMs: 1500,
  preparingMs: 1000,
  liveMs: 8000,
  coldMs: 5000,
  stepMs: 500,
  powerMs: 2000,
  downAfterMs: 60_000,
};
