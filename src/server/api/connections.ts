/**
 * The connections of the gRPC port: how many there may be, whose they are, and how they end. The gRPC library neither limits
 * nor shows them, so they are taken at the sockets that it listens on.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Http2Session, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Clock, Timer } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { AGENT_LIMITS } from '../../core/limits.ts';
import { openCancellation, sleep, untilAborted } from '../../core/signals.ts';
import type { Log } from '../log.ts';
import { ATTACH } from './calls.ts';
import { ConnectionPlaces, type Place } from './connection_places.ts';
import type { Guard } from './guards.ts';
import { type Passing, passOn, takeMark } from './relay.ts';

/** Here Node tells of each server that begins to listen. */
const LISTENING = 'tracing:net.server.listen:asyncStart';

/** How often it is looked whether calls still end, after they were told to. */
const LOOK_MS = 2500;
/** After this number of looks in which no call has ended, and only streams are open, these do not end by themselves: their clients do not read. */
const STILL_LOOKS = 2;

/** How often it is said that connections are refused, or not passed on. */
const SAY_AGAIN_MS = 60_000;

interface Connection {
  readonly socket: Socket;
  readonly place: Place;
  /** Closes a spare connection on which no agent attaches. */
  timer: Timer | null;
  /** The conductor that it is passed on to; null: none. */
  passedTo: string | null;
  /** Another conductor has passed it on to this one. */
  isPassedOn: boolean;
  /** While it is passed on. */
  passing: Passing | null;
  /** Nothing of it has gone anywhere yet: its client has not spoken. */
  isNew: boolean;
  /** What speaks on it, where it is served here. */
  session: ServerHttp2Session | null;
}

interface ConnectionParts {
  readonly clock: Clock;
  readonly log: Log;
  /** How many files the process may open. */
  readonly openFilesLimit: number;
  /** HOST:PORT of the conductor that leads, where this one stands by and knows it; null: calls are served here. Absent: always here. */
  readonly leader?: (() => string | null) | undefined;
}

/** The connections of one conductor. */
export class Connections {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #leader: (() => string | null) | undefined;
  readonly #places: ConnectionPlaces;
  /** By peer, as calls name it. */
  readonly #open = new Map<string, Connection>();
  #endedCalls = 0;
  /** Calls with one answer, which the conductor has not given yet. */
  #unanswered = 0;
  /** Answers them all. */
  readonly #giveUp = openCancellation([]);
  #saidAt = Number.NEGATIVE_INFINITY;
  #saidNotPassedAt = Number.NEGATIVE_INFINITY;

  constructor({ clock, log, openFilesLimit, leader }: ConnectionParts) {
    this.#leader = leader;
    this.#clock = clock;
    this.#log = log;
    this.#places = new ConnectionPlaces(openFilesLimit);
  }

  /**
   * Takes the connections of the servers that `listen` makes. Resolves with the port that `listen` resolves with, and rejects as it
   * does.
   */
  async of(listen: () => Promise<number>): Promise<number> {
    const servers = new Set<Server>();
    const note = (told: unknown): void => void servers.add((told as { readonly server: Server }).server);
    subscribe(LISTENING, note);
    try {
      const port = await listen();
      // Others in this process may have begun to listen meanwhile.
      const own = [...servers].filter((server) => portOf(server) === port);
      if (own.length === 0) throw new Error('the server that listens for gRPC was not found');
      for (const server of own) this.#takeFrom(server);
      return port;
    } finally {
      unsubscribe(LISTENING, note);
    }
  }

  /** Refuses calls on a connection too many, except of agents that attach. */
  refuseSpare(): Guard {
    const { limits } = this.#places;
    return ({ method, context }) => {
      if (method.path !== ATTACH && this.#open.get(context.peer)?.place.kind === 'spare') throw tooMany(limits);
    };
  }

  /** The answer of a call that is no stream; rejects with the reason when it is not waited for any more. */
  async inTime<T>(answer: Promise<T>): Promise<T> {
    this.#unanswered += 1;
    try {
      return await untilAborted(answer, this.#giveUp.signal);
    } finally {
      this.#unanswered -= 1;
    }
  }

  /** An agent has attached on the connection of this peer, which takes no place of a client until the returned call. */
  agentOn(peer: string): () => void {
    const connection = this.#open.get(peer);
    connection?.timer?.cancel();
    connection?.place.toAgent();
    return () => {
      connection?.place.toClient();
      if (connection?.place.kind === 'spare') this.#closeLater(connection);
    };
  }

  /**
   * Resolves when `ended` does, or when what is open was cut off. It is cut off after `limitMs`, and before if only streams are open
   * and none of them ends any more. A busy computer is not taken for a client that does not read: a look that comes late finds what has ended meanwhile.
   */
  async end(ended: Promise<void>, limitMs: number): Promise<void> {
    const cancellation = openCancellation([]);
    ended.catch(() => {}).finally(() => cancellation.abort(fail('SHUTTING_DOWN', 'all calls have ended')));
    let still = 0;
    const until = this.#clock.monotonic() + limitMs;
    for (let rest = limitMs; rest > 0 && still < STILL_LOOKS; rest = until - this.#clock.monotonic()) {
      const before = this.#endedCalls;
      await sleep(Math.min(LOOK_MS, rest), this.#clock, cancellation.signal).catch(() => {});
      if (cancellation.signal.aborted) return;
      still = this.#endedCalls > before || this.#unanswered > 0 ? 0 : still + 1;
    }
    // A connection that is reset under a call is taken for a fault of the conductor; such a call is told what has happened.
    if (this.#unanswered > 0) {
      this.#giveUp.abort(NOT_IN_TIME);
      await sleep(LOOK_MS, this.#clock, cancellation.signal).catch(() => {});
      if (cancellation.signal.aborted) return;
    }
    // Reset, not closed: after the GOAWAY that announced the end, clients take a connection that is only closed for a fault of
    // the conductor, INTERNAL. A reset is UNAVAILABLE, and no client repeats by itself what may have been done.
    for (const { socket } of this.#open.values()) socket.resetAndDestroy();
  }

  #takeFrom(server: Server): void {
    const serve = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const connection = this.#take(socket);
      if (connection !== null) this.#direct(connection, () => serve.forEach((each) => void each.call(server, socket)));
    });
    server.on('session', (session: ServerHttp2Session) => {
      answerPingsWhileClosing(session);
      const connection = this.#open.get(`${session.socket.remoteAddress}:${session.socket.remotePort}`);
      if (connection) connection.session = session;
    });
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.once('close', () => {
        this.#endedCalls += 1;
      });
    });
  }

  /** Lets a new connection be served here, or passes it on to the conductor that leads. */
  #direct(connection: Connection, serve: () => void): void {
    if (this.#leader === undefined) {
      serve();
      return;
    }
    takeMark(connection.socket, this.#clock, (isPassedOn) => {
      connection.isPassedOn = isPassedOn;
      connection.isNew = false;
      this.#passOn(connection, serve);
    });
  }

  #passOn(connection: Connection, serve: () => void): void {
    const leader = connection.isPassedOn ? null : (this.#leader?.() ?? null);
    connection.passedTo = leader;
    connection.passing = null;
    if (leader === null) {
      serve();
      return;
    }
    const passing = passOn(connection.socket, leader, this.#clock, () => {
      this.#sayNotPassed(leader);
      connection.passedTo = null;
      connection.passing = null;
      serve();
    });
    const takeBack = (): boolean => {
      if (!passing.takeBack()) return false;
      this.#passOn(connection, serve);
      return true;
    };
    connection.passing = { takeBack };
  }

  /**
   * Another conductor leads now, or none, or this one: connections that lead elsewhere end, and their clients come again. Those that the one
   * before has not answered, as it is frozen, go where they belong now, and their clients notice nothing.
   */
  follow(): void {
    const leader = this.#leader?.() ?? null;
    for (const { socket, session, passing, passedTo, isPassedOn, isNew } of [...this.#open.values()]) {
      if (passedTo === leader || isPassedOn || isNew || passing?.takeBack()) continue;
      // A client that is told of the end sends nothing into it, and repeats by itself what was on its way.
      if (session === null) socket.destroy();
      else session.close();
    }
  }

  #take(socket: Socket): Connection | null {
    const { remoteAddress, remotePort } = socket;
    const place = remoteAddress === undefined ? null : this.#places.enter(remoteAddress);
    if (place?.kind !== 'client') this.#say(remoteAddress);
    if (place === null) {
      socket.destroy();
      return null;
    }
    const peer = `${remoteAddress}:${remotePort}`;
    const passed = { passedTo: null, isPassedOn: false, passing: null, isNew: this.#leader !== undefined };
    const connection: Connection = { socket, place, timer: null, ...passed, session: null };
    this.#open.set(peer, connection);
    socket.once('close', () => {
      place.leave();
      connection.timer?.cancel();
      this.#open.delete(peer);
    });
    if (place.kind === 'spare') this.#closeLater(connection);
    return connection;
  }

  #closeLater(connection: Connection): void {
    if (connection.socket.destroyed) return;
    connection.timer = this.#clock.after(AGENT_LIMITS.hello_ms.limit, () => connection.socket.destroy());
  }

  #sayNotPassed(leader: string): void {
    if (this.#clock.monotonic() < this.#saidNotPassedAt + SAY_AGAIN_MS) return;
    this.#saidNotPassedAt = this.#clock.monotonic();
    this.#log.warn(
      { leader },
      'the conductor that leads does not answer at the address that it advertises: calls are not passed on',
    );
  }

  #say(address: string | undefined): void {
    if (address === undefined || this.#clock.monotonic() < this.#saidAt + SAY_AGAIN_MS) return;
    this.#saidAt = this.#clock.monotonic();
    this.#log.warn({ code: 'TOO_MANY_STREAMS', address }, 'there are too many connections: only agents can attach');
  }
}

type Answered = (error: Error | null, durationMs: number, payload: Buffer) => void;

const NO_PAYLOAD = Buffer.alloc(8);

/**
 * Answers the pings of the gRPC library in place of a client, once `session` is being closed. Node sends no ping then and says that
 * it failed; the library destroys the session for that, within ten seconds, and the calls that have the drain timeout to end are INTERNAL to their
 * clients.
 */
export function answerPingsWhileClosing(session: Http2Session): void {
  const ping = session.ping.bind(session) as (answered: Answered) => boolean;
  const answer = (answered: Answered): boolean => {
    if (!session.closed || session.destroyed) return ping(answered);
    process.nextTick(answered, null, 0, NO_PAYLOAD);
    return true;
  };
  session.ping = answer as Http2Session['ping'];
}

const NOT_IN_TIME = fail(
  'SHUTTING_DOWN',
  'the conductor is shutting down, and could not answer in time; what it has begun is carried on after the next start; try again',
);

function portOf(server: Server): number | null {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : null;
}

const tooMany = ({ all, ofAddress }: ConnectionPlaces['limits']) =>
  fail(
    'TOO_MANY_STREAMS',
    `the conductor has as many connections as it allows (${all}, of one address ${ofAddress}); close some, or send more ` +
      'calls over each',
  );
