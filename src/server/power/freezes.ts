/** Zones and labels whose nodes take no orders. All that hold are in memory: each order asks. Aborts never do. */
import type { Clock } from '../../core/clock.ts';
import { type CountermandError, fail, failAt, failWith } from '../../core/errors.ts';
import { abortable } from '../../core/signals.ts';
import { checkName, checkPairs } from '../nodes/sent.ts';
import { type Also, writeAlso } from '../store/also.ts';
import { type FreezeRow, insertFreeze, listFreezes, saveLifted } from '../store/freezes.ts';
import { isShortUuid, meansSeveral } from '../store/newest.ts';
import type { NodeRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/** What a request freezes. */
type NewFreeze = Pick<FreezeRow, 'zone' | 'labels' | 'reason' | 'until' | 'createdBy'>;

/** The limit of freezes that hold at the same time: each order is compared with all of them. */
const FREEZES_LIMIT = 1000;
const REASON_LIMIT = 1000;
/** Whether a freeze is over is looked at anew after this time: the clock by which it ends may be set. */
const LOOK_AGAIN_MS = 60_000;

/** A freeze, and until when it is kept in mind by the clock that never jumps. */
interface Known {
  readonly row: FreezeRow;
  readonly keptTo: number;
}

/** The freezes of a conductor. */
export class Freezes {
  readonly #store: Store;
  #known: readonly Known[];
  /** Who waits for the end of one. */
  readonly #waiting = new Set<() => void>();

  private constructor(store: Store, rows: readonly FreezeRow[]) {
    this.#store = store;
    const { clock } = store;
    this.#known = rows.map((row) =>
      holdsAt(clock.now(), row) ? knownOf(row, clock) : { row, keptTo: Number.POSITIVE_INFINITY },
    );
  }

  /** Reads those that hold, and what is over: it holds again if the clock was set forward by mistake and is set back. */
  static async open(store: Store): Promise<Freezes> {
    return new Freezes(store, await listFreezes(store.clock.now(), FREEZES_LIMIT, store.database.read));
  }

  /** Those that hold now, the oldest first. */
  list(): FreezeRow[] {
    const { clock } = this.#store;
    const now = clock.now();
    // A clock that is set forward by mistake, and back again, ends no freeze for good.
    const known = this.#known.filter(({ row, keptTo }) => holdsAt(now, row) || clock.monotonic() < keptTo);
    if (known.length < this.#known.length) this.#known = known;
    const holding = known.flatMap(({ row }) => (holdsAt(now, row) ? row : []));
    return holding.sort((one, other) => one.createdAt - other.createdAt);
  }

  /** What freezes a node, or null. */
  of({ zone, labels }: Pick<NodeRow, 'zone' | 'labels'>): FreezeRow | null {
    if (this.#known.length === 0) return null;
    return this.list().find((freeze) => isAbout(freeze, { zone, labels })) ?? null;
  }

  /**
   * Refuses a change by which a node would leave a freeze: whoever may change a label could otherwise order.
   * @param after null: it is deleted, and may be enrolled anew with other labels
   * @throws NODE_FROZEN
   */
  refuseLeaving(before: NodeRow, after: Pick<NodeRow, 'zone' | 'labels'> | null): void {
    if (this.#known.length === 0) return;
    const left = this.list().find((freeze) => isAbout(freeze, before) && !(after && isAbout(freeze, after)));
    if (left !== undefined) throw keptBy(left, before);
  }

  /**
   * Freezes from now on: an order that was not accepted by now is refused.
   * @throws ARGUMENT_INVALID; what the database throws, and then nothing is frozen
   */
  async add(wanted: NewFreeze, also?: Also): Promise<FreezeRow> {
    const { clock, chance, database } = this.#store;
    const now = clock.now();
    check(wanted, now);
    if (this.list().length >= FREEZES_LIMIT)
      throw fail('ARGUMENT_INVALID', `${FREEZES_LIMIT} freezes hold, and no more are kept; lift some`);
    const row: FreezeRow = { uuid: chance.uuid(), ...wanted, createdAt: now, liftedAt: null };
    this.#known = [...this.#known, knownOf(row, clock)];
    try {
      await writeAlso(
        database,
        also,
        () => ({}),
        (transaction) => insertFreeze(row, transaction),
      );
    } catch (thrown) {
      this.#forget(row.uuid);
      throw thrown;
    }
    // It may be the first to end, and whoever waits has set a timer for those before.
    this.#tellAll();
    return row;
  }

  /** Lifts a freeze, named as in `LiftFreezeRequest`. @throws FREEZE_NOT_FOUND, ARGUMENT_INVALID; what the database throws, and then it holds on */
  async lift(uuid: string, also?: Also): Promise<FreezeRow> {
    if (uuid === '') throw failAt('ARGUMENT_INVALID', 'freeze', 'no freeze is named; give its uuid');
    const { clock, database } = this.#store;
    const row = this.#named(uuid);
    const liftedAt = clock.now();
    await writeAlso(
      database,
      also,
      () => ({}),
      (transaction) => saveLifted(row.uuid, liftedAt, transaction),
    );
    this.#forget(row.uuid);
    return { ...row, liftedAt };
  }

  /**
   * Resolves when one of those that hold is lifted or over, or may be. It may resolve for nothing, as when one is added; whoever waits for a node looks again.
   * @throws the reason of the abort
   */
  untilOneEnds(signal: AbortSignal): Promise<void> {
    const { clock } = this.#store;
    return abortable((resolve) => {
      const rest = this.list().map(({ until }) => (until ?? Number.POSITIVE_INFINITY) - clock.now());
      const callOff = (): void => {
        timer.cancel();
        this.#waiting.delete(tell);
      };
      const tell = (): void => {
        callOff();
        resolve();
      };
      const timer = clock.after(Math.min(LOOK_AGAIN_MS, ...rest), tell);
      this.#waiting.add(tell);
      return callOff;
    }, signal);
  }

  /** The one with this uuid, or with the only uuid that begins so: clients print it short. */
  #named(uuid: string): FreezeRow {
    const all = this.list();
    const found = all.find((each) => each.uuid === uuid);
    if (found) return found;
    const [row, ...others] = isShortUuid(uuid) ? all.filter((each) => each.uuid.startsWith(uuid)) : [];
    if (row && others.length > 0) throw meansSeveral(uuid, 'freeze', [row, ...others]);
    if (row) return row;
    throw failWith('FREEZE_NOT_FOUND', `no freeze '${uuid.slice(0, 100)}' holds`, {
      resource: { type: 'freeze', name: uuid.slice(0, 255) },
    });
  }

  #forget(uuid: string): void {
    this.#known = this.#known.filter(({ row }) => row.uuid !== uuid);
    this.#tellAll();
  }

  #tellAll(): void {
    for (const tell of [...this.#waiting]) tell();
  }
}

const holdsAt = (now: number, { until }: FreezeRow): boolean => until === null || now < until;

function knownOf(row: FreezeRow, clock: Clock): Known {
  const forMs = row.until === null ? Number.POSITIVE_INFINITY : row.until - clock.now();
  return { row, keptTo: clock.monotonic() + forMs };
}

function isAbout({ zone, labels }: FreezeRow, node: Pick<NodeRow, 'zone' | 'labels'>): boolean {
  const bears = ([name, value]: readonly [string, string]): boolean => node.labels[name] === value;
  return (zone === '' || zone === node.zone) && Object.entries(labels).every(bears);
}

function check({ zone, labels, reason, until }: NewFreeze, now: number): void {
  if (zone === '' && Object.keys(labels).length === 0)
    throw failAt(
      'ARGUMENT_INVALID',
      'labels',
      'labels: none, and no zone; name one of the two. To freeze every node, freeze each zone',
    );
  // No node can be in such a zone or bear such a label: the freeze would hold nothing, and whoever asked for it would believe that it does.
  if (zone !== '') checkName('zone', zone);
  checkPairs('labels', labels);
  if (reason.trim() === '' || reason.length > REASON_LIMIT)
    throw failAt(
      'ARGUMENT_INVALID',
      'reason',
      `reason must have 1 to ${REASON_LIMIT} characters; whoever is refused reads it`,
    );
  if (until !== null && until <= now) throw failAt('ARGUMENT_INVALID', 'until', 'until is over already');
}

/** The refusal of an order for a frozen node. */
export const frozenBy = (freeze: FreezeRow, node: Pick<NodeRow, 'name'>): CountermandError =>
  refusal(freeze, node, 'aborts are accepted');

/** The refusal of a change by which a node would leave a freeze. */
const keptBy = (freeze: FreezeRow, node: Pick<NodeRow, 'name'>): CountermandError =>
  refusal(freeze, node, `this would take it out of freeze ${freeze.uuid}, which has to be lifted first`);

function refusal(freeze: FreezeRow, { name }: Pick<NodeRow, 'name'>, possible: string): CountermandError {
  return failWith('NODE_FROZEN', `node ${name} is frozen ${untilWords(freeze)}: ${freeze.reason}; ${possible}`, {
    resource: { type: 'node', name },
    facts: { freeze: freeze.uuid, by: freeze.createdBy },
  });
}

/** Until when a freeze holds, and why. Empty for none. */
export const frozenWords = (freeze: FreezeRow | null): string =>
  freeze === null ? '' : `${untilWords(freeze)}: ${freeze.reason}`;

/** Until when a freeze holds, in words. */
const untilWords = ({ until, uuid }: FreezeRow): string =>
  until === null ? `until freeze ${uuid} is lifted` : `until ${new Date(until).toISOString()}`;
