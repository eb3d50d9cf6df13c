/** One pretended BMC: its sessions, what it does about commands, and what goes wrong with it. Pure but for clock and chance. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import { CHASSIS_CONTROLS, type ChassisControl, COMMAND, PRIVILEGES } from '../../drivers/ipmi/rmcp/commands.ts';
import { COMPLETION } from '../../drivers/ipmi/rmcp/completion_codes.ts';
import { NET_FN, type RequestMessage } from '../../drivers/ipmi/rmcp/message.ts';
import { decodePacket } from '../../drivers/ipmi/rmcp/packet.ts';
import type { SimHost } from '../host.ts';
import { BmcSessions, type SimAnswer, type SimLogin } from './bmc_session.ts';

/** What goes wrong with a BMC. Everything can be changed while it runs. */
export interface BmcFaults {
  /** It hears nothing and says nothing. */
  readonly silent: boolean;
  /** Its LAN controller still says that it is there and how to log in, but no session is opened, and none goes on. */
  readonly hung: boolean;
  /** How long it takes to answer whatever it is asked. Orders are done when they come. */
  readonly answerMs: number;
  /** How much longer it takes to answer an order, which is done when it comes. */
  readonly holdsOrdersMs: number;
  /** It refuses every order, with this completion code; null if it does not. */
  readonly refusesWith: number | null;
  /** It carries orders out and never answers them. All else is answered. */
  readonly dropsOrderAnswers: boolean;
  /** How long after the server went off it refuses to power it on, with this completion code; null if it does not. */
  readonly refusesOn: { readonly forMs: number; readonly code: number } | null;
  /** It says that the server is off, whatever it is. */
  readonly readsOff: boolean;
  /** The share of datagrams, of both ways, that are lost. */
  readonly loss: number;
  /** The share of its answers that come twice. */
  readonly duplicates: number;
  /** The share of its answers that are overtaken by what it says later. */
  readonly reorders: number;
}

/** A BMC in good health. */
export const HEALTHY: BmcFaults = {
  silent: false,
  hung: false,
  answerMs: 0,
  holdsOrdersMs: 0,
  refusesWith: null,
  dropsOrderAnswers: false,
  refusesOn: null,
  readsOff: false,
  loss: 0,
  duplicates: 0,
  reorders: 0,
};

/** What a BMC is made from. */
interface SimBmcParts {
  readonly login: SimLogin;
  readonly host: SimHost;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Commands beyond those of every BMC; null for one that is not known here. */
  readonly more?: (request: RequestMessage) => SimAnswer | null;
  /** How many of the commands that came are remembered at least: all if left out, which is too much for weeks. */
  readonly remembers?: number;
}

/** What a BMC was asked that concerns the chassis. */
export type SimReceived = 'status' | ChassisControl;

/** How much later an answer comes that is overtaken. */
const OVERTAKEN_MS = 30;
/** Intel's number, and a product number that is not in use: it stands in Get Device ID. */
const DEVICE_ID = Buffer.from([0x20, 0x01, 0x01, 0x00, 0x02, 0xbf, 0x57, 0x01, 0x00, 0x01, 0x00, 0, 0, 0, 0]);

/** A datagram that is sent after a delay. */
interface Outgoing {
  readonly datagram: Buffer;
  readonly afterMs: number;
}

/** One pretended BMC with the server behind it. */
export class SimBmc {
  readonly host: SimHost;
  /** The commands to the chassis that came, in order. */
  readonly received: SimReceived[] = [];
  faults: BmcFaults = HEALTHY;
  readonly #parts: SimBmcParts;
  readonly #sessions: BmcSessions;
  /** Its managed system GUID, 16 bytes. Another one is another machine at the same address. */
  get guid(): Buffer {
    return this.#sessions.guid;
  }

  set guid(guid: Buffer) {
    this.#sessions.guid = guid;
  }

  /** It starts anew, and is silent until the first of these; it then answers with errors, and then reads off. */
  #restarts = { silentUntil: Number.NEGATIVE_INFINITY, failsUntil: 0, readsOffUntil: 0 };
  #watchdog = Buffer.alloc(6);
  /** What came last was an order. */
  #ordered = false;

  constructor(parts: SimBmcParts) {
    this.#parts = parts;
    this.host = parts.host;
    const answer = (request: RequestMessage, privilege: number): SimAnswer => this.#answer(request, privilege);
    this.#sessions = new BmcSessions(parts.login, answer, (count) => parts.chance.bytes(count));
  }

  /** How many sessions it has, half open ones included. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /**
   * It restarts: it is silent for `silentMs`, and all its sessions are gone. The server behind it goes on. What it says of the
   * server is wrong at first: errors for `failsMs`, then that it is off for `readsOffMs`.
   */
  restart(silentMs: number, failsMs = 0, readsOffMs = 0): void {
    this.#sessions.forgetAll();
    const silentUntil = this.#parts.clock.monotonic() + silentMs;
    const failsUntil = silentUntil + failsMs;
    this.#restarts = { silentUntil, failsUntil, readsOffUntil: failsUntil + readsOffMs };
  }

  /** What it makes of a datagram. */
  receive(datagram: Buffer): Outgoing[] {
    const { clock, chance } = this.#parts;
    const { silent, hung, loss, duplicates, reorders } = this.faults;
    const happens = (share: number): boolean => share > 0 && chance.fraction() < share;
    if (silent || clock.monotonic() < this.#restarts.silentUntil || happens(loss)) return [];
    if (hung && decodePacket(datagram)?.kind === 'session') return [];
    this.#ordered = false;
    const answers = this.#sessions.receive(datagram, clock.monotonic());
    if (this.#ordered && this.faults.dropsOrderAnswers) return [];
    const answerMs = this.faults.answerMs + (this.#ordered ? this.faults.holdsOrdersMs : 0);
    return answers.flatMap((answer) => {
      if (happens(loss)) return [];
      const outgoing = { datagram: answer, afterMs: answerMs + (happens(reorders) ? OVERTAKEN_MS : 0) };
      return happens(duplicates) ? [outgoing, { ...outgoing, afterMs: outgoing.afterMs + 1 }] : [outgoing];
    });
  }

  #answer(request: RequestMessage, privilege: number): SimAnswer {
    const { netFn, command, data } = request;
    if (netFn === NET_FN.chassis && command === COMMAND.getChassisStatus) return this.#status();
    if (netFn === NET_FN.chassis && command === COMMAND.chassisControl)
      return privilege < PRIVILEGES.OPERATOR
        ? { completionCode: COMPLETION.insufficientPrivilege }
        : this.#control((data[0] ?? 0xff) & 0x0f);
    if (netFn === NET_FN.chassis && command === COMMAND.getSystemRestartCause)
      return { completionCode: COMPLETION.ok, data: Buffer.from([this.host.boots > 0 ? 1 : 0, 1]) };
    if (netFn === NET_FN.app) return this.#app(command, data);
    return this.#parts.more?.(request) ?? { completionCode: COMPLETION.invalidCommand };
  }

  #app(command: number, data: Buffer): SimAnswer {
    if (command === COMMAND.getDeviceId) return { completionCode: COMPLETION.ok, data: DEVICE_ID };
    if (command === COMMAND.getSystemGuid) return { completionCode: COMPLETION.ok, data: this.guid };
    if (command === COMMAND.setWatchdogTimer && data.length === 6) {
      this.#watchdog = Buffer.from(data);
      return { completionCode: COMPLETION.ok };
    }
    if (command === COMMAND.getWatchdogTimer) {
      const now = Buffer.concat([this.#watchdog, this.#watchdog.subarray(4, 6)]);
      return { completionCode: COMPLETION.ok, data: now };
    }
    return { completionCode: COMPLETION.invalidCommand };
  }

  #remember(command: SimReceived): void {
    const { remembers = Number.POSITIVE_INFINITY } = this.#parts;
    // Half of it at a time, as the beginning of an array is dear to cut off.
    if (this.received.length >= 2 * remembers) this.received.splice(0, remembers);
    this.received.push(command);
  }

  #status(): SimAnswer {
    this.#remember('status');
    const now = this.#parts.clock.monotonic();
    if (now < this.#restarts.failsUntil) return { completionCode: COMPLETION.unspecified };
    const readsOff = this.faults.readsOff || now < this.#restarts.readsOffUntil;
    const on = this.host.power === 'power on' && !readsOff ? 1 : 0;
    return { completionCode: COMPLETION.ok, data: Buffer.from([on, 0, 0]) };
  }

  #control(code: number): SimAnswer {
    const control = (Object.keys(CHASSIS_CONTROLS) as ChassisControl[]).find((name) => CHASSIS_CONTROLS[name] === code);
    if (control === undefined) return { completionCode: COMPLETION.invalidData };
    this.#ordered = true;
    this.#remember(control);
    const { refusesWith, refusesOn } = this.faults;
    if (refusesWith !== null) return { completionCode: refusesWith };
    const { power, offForMs } = this.host;
    if (refusesOn !== null && control === 'on' && power === 'power off' && offForMs < refusesOn.forMs)
      return { completionCode: refusesOn.code };
    return { completionCode: carryOut(control, this.host) ? COMPLETION.ok : COMPLETION.notInPresentState };
  }
}

/** @returns false if the server is in no state for it: all but on and off need one that is on */
function carryOut(control: ChassisControl, host: SimHost): boolean {
  switch (control) {
    case 'on':
    case 'off':
      host.setPower(`power ${control}`);
      return true;
    case 'cycle':
      return host.cycle();
    case 'reset':
      return host.reset();
    case 'diag':
      return host.injectNmi();
    case 'soft':
      return host.stopSoftly(false);
  }
}
