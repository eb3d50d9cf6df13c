/** The sinks of a conductor: each takes the events to one receiver. They work while the conductor leads, and only then. */
import { coalesced } from '../../core/coalesced.ts';
import { type CountermandError, fail, failAt, failWith } from '../../core/errors.ts';
import { unknownEventType } from '../../core/event_types.ts';
import { exceeded, SENT_LIMITS, SINK_LIMITS } from '../../core/limits.ts';
import { MASK } from '../../core/masking.ts';
import { checkSettings, type Outlet, type Settings, type SinkKind, type ToldEvent } from '../../core/outlets.ts';
import { isReference } from '../../core/references.ts';
import { type Cancellation, openCancellation } from '../../core/signals.ts';
import { CANONICAL_UUID } from '../../core/uuid.ts';
import type { Log } from '../log.ts';
import { type Also, type Touched, writeAlso } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import { databaseId, eventsGoneTo, lastSequence } from '../store/events.ts';
import {
  deleteSink,
  insertSink,
  listSinks,
  type SinkRow,
  saveOffReason,
  savePosition,
  sinkNames,
} from '../store/sinks.ts';
import type { Store } from '../store/store.ts';
import { Courier, failureWords } from './courier.ts';
import { refuseDecided, type SinkReach } from './decided.ts';

/** What sinks are made with, from outside of the conductor: the kinds that there are, and what their settings may lead to. */
export interface SinkMakers extends SinkReach {
  readonly kinds: readonly SinkKind[];
}

/** A conductor without kinds of sinks. */
export const NO_SINKS: SinkMakers = {
  kinds: [],
  resolve: async (_, settings) => settings,
  objectionOf: () => () => null,
};

/** What sinks work with. */
interface SinkParts {
  readonly store: Store;
  readonly makers: SinkMakers;
  readonly log: Log;
  /** Why this process may not send now; null if it may. */
  readonly objection: () => CountermandError | null;
}

/** A sink as a client makes it. */
interface NewSink {
  readonly name: string;
  readonly kind: string;
  readonly settings: Settings;
  readonly eventTypes: readonly string[];
  /** The number of the first event that is sent; null: the next one that is stored. */
  readonly from: number | null;
  readonly createdBy: string;
}

/** At most this often are positions written. */
const SAVE_MS = 1000;
const NAME = /^[\w.-]{1,200}$/;

interface Running {
  readonly courier: Courier;
  readonly cancellation: Cancellation;
  readonly done: Promise<void>;
}

/** The sinks of a conductor. */
export class Sinks {
  readonly #parts: SinkParts;
  readonly #shutdown: AbortSignal;
  readonly #running = new Map<string, Running>();
  readonly #save: () => Promise<void>;

  private constructor(parts: SinkParts, shutdown: AbortSignal) {
    this.#parts = parts;
    this.#shutdown = shutdown;
    this.#save = coalesced(() => this.#savePositions(), SAVE_MS, parts.store.clock, shutdown);
  }

  /** Reads those that there are, and sets them to work until `shutdown` is aborted. */
  static async open(parts: SinkParts, shutdown: AbortSignal): Promise<Sinks> {
    const sinks = new Sinks(parts, shutdown);
    for (const row of await listSinks(parts.store.database.read)) sinks.#start(row);
    return sinks;
  }

  /** True while one of them works on something that no timer and no receiver has to wake. */
  get busy(): boolean {
    return [...this.#running.values()].some(({ courier }) => courier.busy);
  }

  /** How they stand, by name. */
  list(): Courier[] {
    const all = [...this.#running.values()].map(({ courier }) => courier);
    return all.sort((one, other) => (one.row.name < other.row.name ? -1 : 1));
  }

  /** One of them, by name or uuid. @throws SINK_NOT_FOUND */
  get(key: string): Courier {
    if (key === '') throw failAt('ARGUMENT_INVALID', 'sink', 'no sink is named; give its name or uuid');
    const all = this.list();
    const found = all.find(({ row }) => row.uuid === key) ?? all.find(({ row }) => row.name === key);
    if (found) return found;
    const name = key.slice(0, 255);
    throw failWith('SINK_NOT_FOUND', `there is no sink '${name}'`, { resource: { type: 'sink', name } });
  }

  /** The settings of a sink, for an answer: secrets are masked, references to them are not secret. */
  shownSettings({ kind, settings }: SinkRow): Settings {
    if (settings === null) return {};
    const known = this.#parts.makers.kinds.find(({ name }) => name === kind)?.settings;
    const shown = (key: string, value: string): string =>
      known?.[key] !== undefined && (!known[key].secret || isReference(value)) ? value : MASK;
    return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, shown(key, value)]));
  }

  /**
   * Makes a sink, which works from then on.
   * @throws ARGUMENT_INVALID, SINK_INVALID, SECRET_UNREADABLE, SINK_NAME_TAKEN, EVENTS_OUT_OF_RANGE; then there is none
   */
  async create(wanted: NewSink, also?: Also): Promise<Courier> {
    const { store } = this.#parts;
    const { from, ...parts } = wanted;
    const kind = this.#check(wanted);
    await refuseDecided(kind, wanted.settings, this.#parts.makers);
    const times = { createdAt: store.clock.now(), offReason: null };
    const uuid = store.chance.uuid();
    const create = async (transaction: Transaction): Promise<SinkRow> => {
      // Here: sinks could be made, and events deleted, between a look before and the write.
      const names = await sinkNames(transaction);
      if (names.includes(parts.name)) throw nameTaken(parts.name);
      if (names.length >= SINK_LIMITS.sinks.limit) throw exceeded(SINK_LIMITS.sinks, 'name', names.length + 1);
      const row: SinkRow = { uuid, ...parts, position: await positionBefore(from, transaction.sql), ...times };
      await insertSink(row, transaction);
      return row;
    };
    const touched = (): Touched => ({ sink: parts.name });
    return this.#start(await writeAlso(store.database, also, touched, create));
  }

  /** Ends a sink, and forgets its secrets. What is being sent may still arrive. @throws SINK_NOT_FOUND */
  async delete(key: string, also?: Also): Promise<Courier> {
    const courier = this.get(key);
    const { uuid, name } = courier.row;
    await writeAlso(
      this.#parts.store.database,
      also,
      () => ({ sink: name }),
      (transaction) => deleteSink(uuid, transaction),
    );
    const running = this.#running.get(uuid);
    this.#running.delete(uuid);
    running?.cancellation.abort(fail('CALL_ENDED', `the sink ${name} was deleted`));
    await running?.done;
    return courier;
  }

  /**
   * Sends one event that is only a test, over a connection of its own. If it is taken over, a sink that waits goes on at once, and so
   * does one that is off.
   * @throws SINK_NOT_FOUND; SINK_FAILED with what went wrong; the reason of the abort
   */
  async test(key: string, signal: AbortSignal): Promise<Courier> {
    const courier = this.get(key);
    const { row } = courier;
    let outlet: Outlet | null = null;
    try {
      outlet = await this.#open(row);
      await outlet.send([this.#testEvent(row)], signal);
    } catch (thrown) {
      signal.throwIfAborted();
      courier.testFailure = failureWords(thrown);
      throw failWith('SINK_FAILED', `sink ${row.name}: ${courier.testFailure}`, {
        resource: { type: 'sink', name: row.name },
      });
    } finally {
      await outlet?.close();
    }
    const { offReason } = courier;
    if (offReason !== null)
      await this.#parts.store.database.write((transaction) =>
        saveOffReason({ uuid: row.uuid, offReason }, null, transaction),
      );
    courier.wake(true);
    return courier;
  }

  /** Resolves when all have stopped and their positions are written. Call it after the abort of `shutdown`. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    // Where it cannot be written, some events come again.
    await this.#savePositions().catch(() => {});
  }

  #check({ name, kind: wanted, eventTypes }: NewSink): SinkKind {
    if (!NAME.test(name) || CANONICAL_UUID.test(name.toLowerCase()))
      throw failAt('ARGUMENT_INVALID', 'name', 'name must be 1 to 200 letters, digits, dots, dashes and underscores');
    const { kinds } = this.#parts.makers;
    const kind = kinds.find((each) => each.name === wanted);
    if (kind === undefined) {
      const known = kinds.map((each) => each.name).join(', ') || 'none';
      throw failAt('SINK_INVALID', 'kind', `there is no kind of sinks '${wanted.slice(0, 100)}'; there are ${known}`);
    }
    if (eventTypes.length > SENT_LIMITS.event_types.limit)
      throw exceeded(SENT_LIMITS.event_types, 'event_types', eventTypes.length);
    const unknown = unknownEventType(eventTypes);
    if (unknown !== null)
      throw failAt(
        'SINK_INVALID',
        'event_types',
        `event_types: no event has the type '${unknown.glob.slice(0, 100)}'; nearest are ${unknown.nearest.join(', ')}`,
      );
    return kind;
  }

  #start(row: SinkRow): Courier {
    const { store, log, objection, makers } = this.#parts;
    const kind = makers.kinds.find(({ name }) => name === row.kind) ?? unknownKind(row.kind);
    const courier = new Courier(row, kind, {
      store,
      log,
      objection,
      open: (opened) => this.#open(opened),
      moved: () => this.#savedSoon(),
      switchOff: ({ uuid }, offReason) =>
        store.database.write((transaction) => saveOffReason({ uuid, offReason: null }, offReason, transaction)),
    });
    const cancellation = openCancellation([this.#shutdown]);
    const done = courier.run(cancellation.signal).catch((error: Error) => {
      log.error({ sink: row.name, err: error }, 'a sink has stopped');
    });
    this.#running.set(row.uuid, { courier, cancellation, done: done.finally(() => cancellation.end()) });
    return courier;
  }

  async #open(row: SinkRow): Promise<Outlet> {
    const { store, makers } = this.#parts;
    const kind = makers.kinds.find(({ name }) => name === row.kind);
    if (kind === undefined) throw fail('SINK_INVALID', `this version has no kind of sinks '${row.kind}'`);
    if (row.settings === null)
      throw fail('SECRET_UNREADABLE', 'the stored settings do not open: delete the sink, and create it anew');
    const settings = await makers.resolve(kind, row.settings);
    checkSettings(kind, settings);
    const { clock, chance, database } = store;
    const objection = makers.objectionOf(kind, row.settings);
    return kind.open(settings, { databaseId: await databaseId(database.read), clock, chance, objection });
  }

  #testEvent({ name, uuid }: SinkRow): ToldEvent {
    const { store } = this.#parts;
    return {
      sequence: 0,
      eventType: 'sink.test',
      priority: 'INFO',
      publisherId: store.publisherId,
      messageId: store.chance.uuid(),
      timestamp: store.clock.now(),
      payload: {
        'countermand_object.namespace': 'countermand',
        'countermand_object.name': 'SinkTestPayload',
        'countermand_object.version': '1.0',
        'countermand_object.data': { uuid, name },
      },
    };
  }

  #savedSoon(): void {
    this.#save().catch((error: Error) => {
      if (!this.#shutdown.aborted)
        this.#parts.log.warn(
          { reason: error.message },
          'the positions of sinks could not be written; some events may be sent twice',
        );
    });
  }

  /** One write for all that have moved. */
  async #savePositions(): Promise<void> {
    const moved = [...this.#running.values()]
      .map(({ courier }) => ({ courier, position: courier.position }))
      .filter(({ courier, position }) => position !== courier.saved);
    if (moved.length === 0) return;
    await this.#parts.store.database.write(async (transaction) => {
      for (const { courier, position } of moved) await savePosition(courier.row.uuid, position, transaction);
    });
    for (const { courier, position } of moved) courier.saved = position;
  }
}

/** The position of a sink that begins with an event, or with what comes next. @throws EVENTS_OUT_OF_RANGE */
async function positionBefore(from: number | null, sql: Transaction['sql']): Promise<number> {
  const [newest, goneTo] = [await lastSequence(sql), await eventsGoneTo(sql)];
  if (from === null) return newest;
  if (from < 0 || from > newest + 1)
    throw failAt(
      'EVENTS_OUT_OF_RANGE',
      'from_sequence',
      `from_sequence is ${from}, and the newest event is ${newest}; begin with 0 for all that there are, or leave it out for what comes from now on`,
    );
  if (from > 0 && from <= goneTo)
    throw failAt(
      'EVENTS_OUT_OF_RANGE',
      'from_sequence',
      `from_sequence is ${from}, and the oldest event that is kept is ${goneTo + 1}; begin with that, or with 0 for all that there are`,
    );
  return Math.max(0, from - 1);
}

const nameTaken = (name: string): CountermandError =>
  failWith('SINK_NAME_TAKEN', `there is a sink '${name}' already; choose another name`, {
    field: 'name',
    resource: { type: 'sink', name },
  });

/** For a sink that a later version has made: it waits, and says why. */
const unknownKind = (name: string): SinkKind => ({
  ...{ name, meaning: '', settings: {}, atOnce: 1, refusePlace: () => {}, contradiction: () => null },
  open() {
    throw fail('SINK_INVALID', `this version has no kind of sinks '${name}'`);
  },
});
