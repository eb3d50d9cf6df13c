/**
 * The agents that are attached, each by one stream, and which BMC belongs to which. A BMC belongs to one attachment at a
 * time: after an agent was lost, its BMCs move to another only when it certainly sends nothing more.
 */

import { type Channel, openChannel } from '../../core/channel.ts';
import type { Clock } from '../../core/clock.ts';
import { fail, isErrorCode } from '../../core/errors.ts';
import { AGENT_LIMITS } from '../../core/limits.ts';
import type { Report } from '../../core/report.ts';
import { abortable, type Cancellation, onAbort, openCancellation, untilAborted } from '../../core/signals.ts';
import type { Answer, Ask, AttachRequest, AttachResponse, Heartbeat, Hello } from '../../gen/countermand/v1/agent.ts';
import type { Identity } from '../access/identity.ts';
import type { AgentRow, NodeRow } from '../store/rows.ts';
import { Admission, type AttachedFrom, holderOf, NOWHERE, nameOf } from './admission.ts';
import { serves, spread } from './agent_choice.ts';
import { boundAnswer, boundHeartbeat, boundReport } from './bounds.ts';
import { checkHello } from './hello.ts';
import { ALONE, type Leading, type LeaseTimes, welcomeOf } from './leading.ts';
import { LostAgents } from './lost_agents.ts';
import { fromReport, nodeOf } from './wire.ts';

type FromAgent = NonNullable<AttachRequest['message']>;
type ToAgent = NonNullable<AttachResponse['message']>;
type Question = NonNullable<Ask['question']>;

/** One attached agent. */
export interface Attachment {
  readonly hello: Hello;
  /** When its stream began. */
  readonly attachedAt: number;
  /** Aborted when the stream ends. */
  readonly signal: AbortSignal;
  readonly identity: Identity | null;
  /** The address that it attached from; empty if it is embedded. */
  readonly peer: string;
  /** The sessions with BMCs that it said it has open. */
  sessions: Heartbeat['sessions'];
  /** Sends a message; does nothing after the end. */
  send(message: ToAgent): void;
}

interface LiveAttachment extends Attachment {
  readonly cancellation: Cancellation;
  readonly outgoing: Channel<AttachResponse>;
  readonly questions: Map<number, (answer: NonNullable<Answer['answer']>) => void>;
  lastContact: number;
}

/** That a node's BMC was given to an agent. */
interface Claim {
  readonly agentUuid: string;
  /** Something about the node was sent to the agent. Otherwise it can do nothing, and is not waited for when it is lost. */
  readonly isUsed: boolean;
}

/** Who serves a BMC: an agent, none yet, or none at all. */
export type Owner =
  | { readonly kind: 'attached'; readonly attachment: Attachment }
  /** The last owner was lost and may still send; no other agent may send for `movableInMs`. */
  | { readonly kind: 'lost'; readonly agentUuid: string; readonly movableInMs: number }
  | { readonly kind: 'none' };

/** Who is told of what agents do. */
export interface AttachmentListener {
  /** Before the agent is welcomed: it must be stored, with the name of its identity, if it has one. */
  attaching(hello: Hello, identity: string | null): Promise<void>;
  attached(attachment: Attachment): void;
  /** The agent left for good. */
  left(attachment: Attachment): void;
  /** Its stream has ended without a farewell: it may still act for a while. */
  lost(attachment: Attachment, reason: string): void;
  /** The BMCs of lost agents can be served by others now. */
  movable(agentUuids: readonly string[]): void;
  reported(report: Report, attachment: Attachment): void;
}

/** The attached agents of one conductor. */
export class Attachments {
  readonly #live = new Map<string, LiveAttachment>();
  /** Agents that are attaching, by uuid: they are being remembered. */
  readonly #attaching = new Map<string, LiveAttachment>();
  readonly #lost: LostAgents;
  /** Which agent each node's BMC was last given to, by this process. */
  readonly #claims = new Map<string, Claim>();
  readonly #conductorUuid: string;
  readonly #times: LeaseTimes;
  readonly #admission: Admission;
  readonly #leading: Leading;
  readonly #clock: Clock;
  readonly #shutdown: AbortSignal;
  #listener: AttachmentListener | null = null;
  #askId = 0;

  constructor(
    conductorUuid: string,
    times: LeaseTimes,
    clock: Clock,
    shutdown: AbortSignal,
    admission = new Admission('refuse'),
    leading = ALONE,
  ) {
    this.#leading = leading;
    this.#admission = admission;
    this.#conductorUuid = conductorUuid;
    this.#times = times;
    this.#clock = clock;
    this.#shutdown = shutdown;
    this.#lost = new LostAgents((agentUuids) => this.#endLost(agentUuids), clock, shutdown);
  }

  /** Says who is told. Once, before the first agent attaches. */
  listen(listener: AttachmentListener): void {
    this.#listener = listener;
  }

  /** The attached agents. */
  list(): readonly Attachment[] {
    return [...this.#live.values()];
  }

  /** True while this agent is attached, or attaching. */
  isAttached(agentUuid: string): boolean {
    return this.#live.has(agentUuid) || this.#attaching.has(agentUuid);
  }

  /** How many nodes and lost agents are remembered. */
  get remembered(): { readonly claims: number; readonly lost: number } {
    return { claims: this.#claims.size, lost: this.#lost.size };
  }

  /** Ends the streams of the agents with this identity. */
  expel(identity: string, reason: string): void {
    for (const live of this.#live.values())
      if (live.identity?.name === identity) live.cancellation.abort(fail('ATTACHMENT_ENDED', reason));
  }

  /** A node was deleted. */
  forgetNode(nodeUuid: string): void {
    this.#claims.delete(nodeUuid);
  }

  /**
   * Remembers an agent that an earlier process of the conductor knew, as lost just now.
   * @param mayActMs for how long it may still act
   */
  presumeLost(agent: Pick<AgentRow, 'uuid' | 'embedded' | 'identity'>, mayActMs: number): void {
    this.#admission.claim(agent.uuid, holderOf(agent));
    this.#lose(agent.uuid, mayActMs);
  }

  /** Who serves the BMC of this node. */
  ownerOf(node: Pick<NodeRow, 'uuid' | 'agentUuid' | 'zone' | 'driver'>): Owner {
    const claim = this.#claims.get(node.uuid);
    const claimed = claim === undefined ? null : this.#ownerIf(claim.agentUuid, node);
    // Who was told nothing of the node can do nothing to it, and is waited for only if there is no other agent.
    if (claimed && (claimed.kind === 'attached' || claim?.isUsed)) return claimed;
    const own = this.#ownerIf(node.agentUuid ?? '', node);
    if (own) return own;
    const others = [...this.#live.values()].filter((attachment) => serves(attachment, node));
    const chosen = others[spread(node.uuid, others.length)];
    if (!chosen) return claimed ?? { kind: 'none' };
    this.#claims.set(node.uuid, { agentUuid: chosen.hello.agentUuid, isUsed: false });
    return { kind: 'attached', attachment: chosen };
  }

  /** This agent as the owner of a node, if it is attached and serves it, or was lost and may still act. */
  #ownerIf(agentUuid: string, node: Pick<NodeRow, 'zone' | 'driver'>): Exclude<Owner, { kind: 'none' }> | null {
    const attachment = this.#live.get(agentUuid);
    if (attachment && serves(attachment, node)) return { kind: 'attached', attachment };
    const movableInMs = this.#lost.movableInMs(agentUuid);
    return movableInMs > 0 ? { kind: 'lost', agentUuid, movableInMs } : null;
  }

  /** Agents send nothing more: the nodes that were theirs are given to others when they are next asked for. */
  #forgetClaims(agentUuids: readonly string[]): void {
    const gone = new Set(agentUuids);
    for (const [nodeUuid, { agentUuid }] of this.#claims) if (gone.has(agentUuid)) this.#claims.delete(nodeUuid);
  }

  /** An agent of the zone that has this driver, or null. */
  anyWith(zone: string, driver: string): Attachment | null {
    return [...this.#live.values()].find((attachment) => serves(attachment, { zone, driver })) ?? null;
  }

  /**
   * Asks an agent, and resolves with its answer. A question that is not waited for any more, because of the abort or because
   * it took too long, is taken back, so that it leaves the queue of its BMC.
   * @throws the code that the agent answers, ATTACHMENT_ENDED, TOOK_TOO_LONG, or the reason of the abort
   */
  async ask(attachment: Attachment, question: Question, signal: AbortSignal): Promise<NonNullable<Answer['answer']>> {
    const live = attachment as LiveAttachment;
    this.#askId = (this.#askId + 1) % 2 ** 31;
    const askId = this.#askId;
    const limit = {
      clock: this.#clock,
      afterMs: this.#times.askTimeoutMs,
      what: `the answer of agent ${live.hello.name}`,
    };
    const cancellation = openCancellation([signal, live.signal], limit);
    try {
      const answer = await abortable<NonNullable<Answer['answer']>>((resolve) => {
        live.questions.set(askId, resolve);
        live.send({ $case: 'ask', value: { askId, question } });
        return () => {};
      }, cancellation.signal);
      if (answer.$case === 'error')
        throw fail(isErrorCode(answer.value.code) ? answer.value.code : 'INTERNAL', answer.value.message);
      return answer;
    } finally {
      if (live.questions.delete(askId) && cancellation.signal.aborted)
        live.send({ $case: 'forgetAsk', value: { askId } });
      cancellation.end();
    }
  }

  /**
   * Serves one agent's stream until it ends, from either side, or `signal` is aborted.
   * @param from where the stream comes from: the transport knows, whatever the agent says
   * @throws ARGUMENT_INVALID if the first message is not a fitting hello, TOOK_TOO_LONG if none comes in time
   */
  async *attach(
    incoming: AsyncIterable<AttachRequest>,
    signal: AbortSignal,
    from: AttachedFrom = NOWHERE,
  ): AsyncGenerator<AttachResponse> {
    const messages = incoming[Symbol.asyncIterator]();
    const hello = { ...checkHello(await this.#firstOf(messages, signal)), embedded: from.embedded };
    const cancellation = openCancellation([signal, this.#shutdown]);
    const live = this.#open(hello, from, cancellation);
    const reading = this.#read(messages, live).catch((error: unknown) => live.outgoing.end(error));
    try {
      this.#admission.check(hello, from, this.#live.values());
      const identity = nameOf(from.identity);
      this.#admission.claim(hello.agentUuid, holderOf({ ...from, identity }));
      this.#attaching.set(hello.agentUuid, live);
      await this.#listener?.attaching(hello, identity);
      // Asked again: meanwhile its token may have been revoked, and another agent may have attached with it.
      const replaced = this.#admission.check(hello, from, this.#live.values());
      this.#welcome(live);
      for (const other of replaced)
        other.cancellation.abort(fail('ATTACHMENT_ENDED', `another agent has the identity of ${hello.name}`));
      yield* live.outgoing;
    } finally {
      if (this.#attaching.get(hello.agentUuid) === live) this.#attaching.delete(hello.agentUuid);
      this.#close(live);
      this.#freeUnused(hello.agentUuid);
      cancellation.abort(fail('ATTACHMENT_ENDED', `the stream of agent ${hello.name} ended`));
      cancellation.end();
      // The transport may hold the last read open for as long as it likes; it is not waited for.
      void Promise.allSettled([reading, messages.return?.()]);
    }
  }

  /** The uuid of an agent that is not here, was not lost and does not come belongs to no agent. */
  #freeUnused(agentUuid: string): void {
    if (!this.isAttached(agentUuid) && !this.#lost.has(agentUuid)) this.#admission.forget(agentUuid);
  }

  /** A stream on which no agent introduces itself must not stay open. */
  async #firstOf(messages: AsyncIterator<AttachRequest>, signal: AbortSignal): Promise<FromAgent | undefined> {
    const limit = {
      clock: this.#clock,
      afterMs: AGENT_LIMITS.hello_ms.limit,
      what: 'the wait for the hello of an agent',
    };
    const cancellation = openCancellation([signal, this.#shutdown], limit);
    try {
      const first = await untilAborted(messages.next(), cancellation.signal);
      return first.done ? undefined : first.value.message;
    } finally {
      cancellation.end();
    }
  }

  #open(hello: Hello, { identity, peer = '' }: AttachedFrom, cancellation: Cancellation): LiveAttachment {
    const outgoing = openChannel<AttachResponse>(cancellation.signal);
    return {
      hello,
      ...{ identity, peer, sessions: [], attachedAt: this.#clock.now() },
      ...{ cancellation, outgoing, signal: cancellation.signal },
      questions: new Map(),
      lastContact: this.#clock.monotonic(),
      send: (message) => {
        // A process that was stopped and goes on may hold what was decided when it still led.
        const objection = this.#leading.objection();
        if (objection !== null) return cancellation.abort(objection);
        const nodeUuid = nodeOf(message);
        if (nodeUuid !== null) this.#claims.set(nodeUuid, { agentUuid: hello.agentUuid, isUsed: true });
        outgoing.push({ message });
      },
    };
  }

  #welcome(live: LiveAttachment): void {
    const { agentUuid } = live.hello;
    const twin = this.#live.get(agentUuid);
    twin?.cancellation.abort(fail('ATTACHMENT_ENDED', `agent ${live.hello.name} attached again`));
    this.#live.set(agentUuid, live);
    this.#attaching.delete(agentUuid);
    this.#lost.delete(agentUuid);
    live.send({ $case: 'welcome', value: welcomeOf(this.#conductorUuid, this.#times, this.#leading) });
    this.#watchContact(live);
    this.#listener?.attached(live);
  }

  /** Ends the stream of an agent that gives no sign of life for a lease, by which time it sends nothing, or whose identity has ended. */
  #watchContact(live: LiveAttachment): void {
    const { agentLeaseMs } = this.#times;
    const ended = live.identity?.objection?.() ?? null;
    if (ended !== null) {
      live.cancellation.abort(fail('ATTACHMENT_ENDED', ended));
      return;
    }
    const silentMs = this.#clock.monotonic() - live.lastContact;
    if (silentMs >= agentLeaseMs) {
      live.cancellation.abort(
        fail('ATTACHMENT_ENDED', `agent ${live.hello.name} gave no sign of life for ${agentLeaseMs / 1000} s`),
      );
      return;
    }
    const timer = this.#clock.after(agentLeaseMs - silentMs, () => {
      unlink();
      this.#watchContact(live);
    });
    const unlink = onAbort(live.signal, () => timer.cancel());
  }

  async #read(messages: AsyncIterator<AttachRequest>, live: LiveAttachment): Promise<void> {
    for (;;) {
      const next = await messages.next();
      if (next.done || live.signal.aborted) break;
      live.lastContact = this.#clock.monotonic();
      if (next.value.message) this.#receive(next.value.message, live);
    }
    live.outgoing.end();
  }

  #receive(message: FromAgent, live: LiveAttachment): void {
    // Until it is welcomed, and when another stream has its place, it has no part in anything.
    if (this.#live.get(live.hello.agentUuid) !== live) return;
    if (message.$case === 'heartbeat') {
      live.sessions = boundHeartbeat(message.value).sessions;
      live.send({ $case: 'heartbeatAck', value: {} });
    }
    if (message.$case === 'report')
      this.#listener?.reported(fromReport(boundReport(message.value), this.#clock.now()), live);
    if (message.$case === 'answer' && message.value.answer) {
      live.questions.get(message.value.askId)?.(boundAnswer(message.value.answer));
    }
    if (message.$case === 'farewell') {
      this.#live.delete(live.hello.agentUuid);
      this.#admission.forget(live.hello.agentUuid);
      this.#forgetClaims([live.hello.agentUuid]);
      this.#listener?.left(live);
      live.outgoing.end();
    }
  }

  #close(live: LiveAttachment): void {
    const { agentUuid } = live.hello;
    if (this.#live.get(agentUuid) !== live) return;
    this.#live.delete(agentUuid);
    this.#lose(agentUuid);
    this.#listener?.lost(live, live.signal.reason?.message ?? 'its stream ended');
  }

  /** Twice the lease: once until the agent stops sending by its own clock, once for all that may differ. */
  #lose(agentUuid: string, mayActMs = 2 * this.#times.agentLeaseMs): void {
    this.#lost.add(agentUuid, mayActMs);
  }

  #endLost(agentUuids: readonly string[]): void {
    for (const agentUuid of agentUuids) this.#admission.forget(agentUuid);
    this.#forgetClaims(agentUuids);
    this.#listener?.movable(agentUuids);
  }
}
