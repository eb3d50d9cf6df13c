/** One pretended iRMC with the server behind it: what it does about orders, whichever way they come. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { SimHost } from '../host.ts';
import { irmcCommands } from '../ipmi/irmc_oem.ts';
import { SimBmc } from '../ipmi/sim_bmc.ts';
import { BY_THE_AGENT, KEEP_BUSY, type ScciOrder } from './commands.ts';
import { HEALTHY_IRMC, type IrmcFaults } from './faults.ts';
import type { IrmcLogin, SnmpLogin } from './logins.ts';
import { INPUT_OUTPUT_ERROR, NOT_IMPORTED, refusal, TAKEN, values } from './reply.ts';
import { readScciRequest, type ScciRequest } from './request.ts';

/** The generations that are told apart by more than their name. */
export type IrmcGeneration = 'S4' | 'S5' | 'S6';

/** What an iRMC is made from. */
interface SimIrmcParts {
  readonly host: SimHost;
  readonly login: IrmcLogin;
  readonly snmp: SnmpLogin;
  readonly generation: IrmcGeneration;
  readonly clock: Clock;
  readonly chance: Chance;
}

/** An SCCI order that came, and the Value of its answer: 0 if it was carried out. */
export interface ScciReceived {
  readonly command: ScciOrder;
  readonly value: number;
}

/** How long an iRMC is away when its firmware starts anew. */
const FIRMWARE_START_MS = 60_000;
/** The least number of orders that are remembered. */
const REMEMBERED = 10_000;

/** One pretended iRMC. */
export class SimIrmc {
  readonly host: SimHost;
  readonly bmc: SimBmc;
  readonly parts: SimIrmcParts;
  /** The SCCI orders that came, in order. What was turned away before it was read is not among them. */
  readonly received: ScciReceived[] = [];
  /** How many requests to its web server came with a login that is not right. */
  refusedLogins = 0;
  #faults = HEALTHY_IRMC;
  #busyUntil = Number.NEGATIVE_INFINITY;
  #awayUntil = Number.NEGATIVE_INFINITY;
  readonly #settings = new Map<string, string>();

  constructor(parts: SimIrmcParts) {
    const { host, clock, chance, login } = parts;
    this.parts = parts;
    this.host = host;
    this.bmc = new SimBmc({
      host,
      clock,
      chance,
      more: irmcCommands(host, () => this.agentConnected),
      remembers: REMEMBERED,
      login: {
        users: [{ name: login.username, password: login.password, privilege: 'ADMINISTRATOR' }],
        kg: null,
        cipherSuites: [3, 17],
        maxSessions: 16,
        idleMs: 60_000,
      },
    });
  }

  get faults(): IrmcFaults {
    return this.#faults;
  }

  set faults(faults: IrmcFaults) {
    this.#faults = faults;
    this.bmc.faults = { ...this.bmc.faults, silent: faults.ipmi === 'silent' };
  }

  /** The ServerView agent talks to the iRMC: as long as the operating system has not begun to stop. */
  get agentConnected(): boolean {
    return !this.#faults.agentMissing && this.host.boot === 'os-running';
  }

  /** Its firmware starts anew: it asks to come back later. */
  get isAway(): boolean {
    return this.#now < this.#awayUntil;
  }

  /** What SCCI answers to a request, carried out when this returns. Several commands: until the first that is refused. */
  receiveScci(body: string): string {
    const requests = readScciRequest(body);
    if ('complaint' in requests) return refusal(NOT_IMPORTED, { oc: requests.oc, text: requests.complaint });
    for (const request of requests) {
      const refused = this.#carryOutRequest(request);
      if (refused !== null) return refused;
    }
    const reads = requests.some(({ type }) => type === 'GET');
    return reads ? values(requests, (request) => this.#settings.get(settingOf(request)) ?? '') : TAKEN;
  }

  get #now(): number {
    return this.parts.clock.monotonic();
  }

  /** @returns the refusal; null if it was carried out */
  #carryOutRequest(request: ScciRequest): string | null {
    const { command, oc, oe, oi, type, data } = request;
    const refuse = (text: string): string => refusal(NOT_IMPORTED, { oc, oe, oi, text });
    if (command === 'ConfigSpace') {
      if (type === 'SET' && data === null) return refuse('DATA is missing');
      if (type === 'SET') this.#settings.set(settingOf(request), data ?? '');
      return null;
    }
    if (type === 'GET') return refuse('This operation code cannot be read');
    const { value, text } = this.#order(command);
    this.#remember({ command, value });
    return value === 0 ? null : refusal(value, { oc, oe, oi, text });
  }

  #order(command: ScciOrder): { readonly value: number; readonly text: string } {
    const { refusesWith, busyMs, holdsMs } = this.#faults;
    if (busyMs > 0 && this.#now < this.#busyUntil) return { value: INPUT_OUTPUT_ERROR, text: 'Input/output error' };
    if (refusesWith !== null) return { value: refusesWith, text: 'Refused' };
    const outcome = this.#carryOut(command);
    const busyFor = Math.max(holdsMs, KEEP_BUSY.has(command) ? busyMs : 0);
    if (outcome.value === 0) this.#busyUntil = this.#now + busyFor;
    return outcome;
  }

  #carryOut(command: ScciOrder): { readonly value: number; readonly text: string } {
    const { host } = this;
    const { nothingPendingValue, whileOffValue } = this.#faults;
    const done = (isDone: boolean): { value: number; text: string } =>
      isDone ? { value: 0, text: '' } : { value: whileOffValue, text: 'The server is powered off' };
    if (BY_THE_AGENT.has(command) && !this.agentConnected)
      return { value: NOT_IMPORTED, text: 'ServerView Agent not connected' };
    switch (command) {
      case 'PowerOnCabinet':
        host.setPower('power on');
        return done(true);
      case 'PowerOffCabinet':
        host.setPower('power off');
        return done(true);
      case 'PowerOffOnCabinet':
        return done(host.cycle());
      case 'ResetServer':
        return done(host.reset());
      case 'RaiseNMI':
        return done(host.injectNmi());
      case 'RequestShutdownAndOff':
        return done(host.stopSoftly(false));
      case 'RequestShutdownAndReset':
        return done(host.stopSoftly(true));
      case 'ShutdownRequestCancelled':
        return host.cancel() === 'taken back'
          ? done(true)
          : { value: nothingPendingValue, text: 'No shutdown request is pending' };
      case 'ResetFirmware':
        this.#awayUntil = this.#now + FIRMWARE_START_MS;
        this.bmc.restart(FIRMWARE_START_MS);
        return done(true);
    }
  }

  #remember(received: ScciReceived): void {
    if (this.received.length >= 2 * REMEMBERED) this.received.splice(0, REMEMBERED);
    this.received.push(received);
  }
}

const settingOf = ({ oe, oi }: ScciRequest): string => `${oe}/${oi}`;
