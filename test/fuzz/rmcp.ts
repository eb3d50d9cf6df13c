/**
 * Fuzzing the RMCP+ client: mutated datagrams at every stage of a session. None may crash it, hang it, or be believed; the
 * true answer that comes after them must be. Under a seed: the same seed is the same run.
 */
import { chassisControl, getChassisStatus } from '../../src/drivers/ipmi/rmcp/commands.ts';
import type { Login } from '../../src/drivers/ipmi/rmcp/opening.ts';
import { RmcpError } from '../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import { DEFAULT_PATIENCE, Session, type SessionEvent } from '../../src/drivers/ipmi/rmcp/session.ts';
import { QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { SimBmc } from '../../src/sim/ipmi/sim_bmc.ts';
import { SIM_LOGIN } from '../counterparts/sim_bmc.ts';
import { type SeededChance, seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';
import { EvilBmc } from './evil_bmc.ts';

/** The result of a run. */
export interface FuzzSummary {
  readonly datagrams: number;
  readonly sessions: number;
  /** How often the command was answered, or failed with each cause, beside a liar of a BMC and a passer-by. */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** Longer than any session may take, in ticks of a second: three fresh starts and their patience. */
const LONGEST_MS = 120_000;
/** How many datagrams are tried beside each true answer. */
const AT_EACH_STAGE = 12;

/** Feeds at least `count` mutated datagrams to sessions. @throws an Error that names the seed, at the first fault */
export function fuzzRmcp(count: number, firstSeed: number): FuzzSummary {
  const outcomes = new Map<string, number>();
  let datagrams = 0;
  let sessions = 0;
  for (let seed = firstSeed; datagrams < count; seed += 1) {
    sessions += 1;
    try {
      const evil = seed % 3 === 0;
      const run = evil ? fuzzEvil(seed) : fuzzPassers(seed);
      datagrams += run.datagrams;
      const outcome = `${evil ? 'liar' : 'passer-by'}: ${run.outcome}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message} (replay: npm run fuzz -- --seed ${seed})`, {
        cause: error,
      });
    }
  }
  return { datagrams, sessions, outcomes };
}

interface FuzzRun {
  readonly datagrams: number;
  readonly outcome: string;
}

const loginOf = (seed: number): Login => ({
  username: Buffer.from('admin'),
  password: Buffer.from('secret'),
  kg: null,
  privilege: 'ADMINISTRATOR',
  cipherSuite: seed % 2 === 0 ? 3 : 17,
});

/** Drives one session: opens it, asks, and keeps what it wants to send. */
class Driven {
  readonly session: Session;
  nowMs = 0;
  opened = false;
  answered: unknown;
  failed: RmcpError | null = null;
  outgoing: Buffer[] = [];

  constructor(seed: number, chance: SeededChance) {
    this.session = new Session(loginOf(seed), (count) => chance.bytes(count), DEFAULT_PATIENCE);
  }

  take(events: readonly SessionEvent[]): void {
    for (const event of events) {
      if (event.kind === 'send') this.outgoing.push(event.datagram);
      else if (event.kind === 'opened') this.opened = true;
      else if (event.kind === 'answered') this.answered = event.value;
      else this.failed = event.error;
    }
  }

  get over(): boolean {
    return this.failed !== null || this.answered !== undefined;
  }

  hear(datagram: Buffer): void {
    this.take(this.session.receive(datagram, this.nowMs));
  }

  /** Lets time pass to what the session waits for. */
  wait(): void {
    const { wakeAt } = this.session;
    if (wakeAt === null) throw new Error('it waits for nothing, and has not ended: it would hang');
    this.nowMs = Math.max(this.nowMs, wakeAt);
    if (this.nowMs > LONGEST_MS) throw new Error(`it has not ended after ${this.nowMs} ms`);
    this.take(this.session.tick(this.nowMs));
  }
}

/** A passer-by knows no key: whatever he sends, the session ends with what the BMC really says. */
function fuzzPassers(seed: number): FuzzRun {
  const chance = seededChance(seed);
  const clock = new VirtualClock();
  const host = new SimHost(chance.pick(['power on', 'power off'] as const), QUICK_HOST, clock);
  const bmc = new SimBmc({ login: SIM_LOGIN, host, clock, chance });
  const driven = new Driven(seed, chance);
  const orders = chance.happens(0.3);
  const heard: Buffer[] = [];
  let asked = false;
  let datagrams = 0;
  driven.take(driven.session.open(0));
  while (!driven.over) {
    for (const datagram of driven.outgoing.splice(0)) {
      for (const { datagram: answer } of bmc.receive(datagram)) {
        heard.push(answer);
        for (let round = 0; round < AT_EACH_STAGE && !driven.over; round += 1) {
          driven.hear(mutate(answer, heard, chance));
          datagrams += 1;
        }
        // Now and then the true one is lost.
        if (chance.happens(0.95)) driven.hear(answer);
      }
    }
    if (driven.opened && !asked && !driven.over) {
      asked = true;
      driven.take(driven.session.ask(orders ? chassisControl('reset') : getChassisStatus, driven.nowMs));
    }
    if (!driven.over && driven.outgoing.length === 0) driven.wait();
  }
  checkTruth(driven, bmc, orders, asked);
  return { datagrams, outcome: driven.failed?.reason ?? 'answered' };
}

function checkTruth(driven: Driven, bmc: SimBmc, orders: boolean, asked: boolean): void {
  const sent = bmc.received.filter((command) => command === 'reset').length;
  if (sent > 1) throw new Error(`the BMC has received the order ${sent} times`);
  if (driven.answered !== undefined && !asked) throw new Error('it was answered without asking');
  if (!orders && driven.answered !== undefined) {
    const { powerOn } = driven.answered as { powerOn: boolean };
    if (powerOn !== (bmc.host.power === 'power on')) throw new Error('a false power state was believed');
  }
  if (orders && driven.answered === true && sent !== 1)
    throw new Error('an order was taken for done that never arrived');
}

/** A BMC with the right keys may lie about its power state; it may not crash us or hang us. */
function fuzzEvil(seed: number): FuzzRun {
  const chance = seededChance(seed);
  const bmc = new EvilBmc(loginOf(seed).cipherSuite, Buffer.from('secret'), chance);
  const driven = new Driven(seed, chance);
  let datagrams = 0;
  let asked = false;
  driven.take(driven.session.open(0));
  while (!driven.over) {
    for (const datagram of driven.outgoing.splice(0))
      for (const answer of bmc.receive(datagram)) {
        driven.hear(answer);
        datagrams += 1;
      }
    if (driven.opened && !asked && !driven.over) {
      asked = true;
      driven.take(driven.session.ask(getChassisStatus, driven.nowMs));
    }
    if (!driven.over && driven.outgoing.length === 0) driven.wait();
  }
  if (!driven.opened) throw new Error(`a polite opening failed: ${driven.failed}`);
  if (driven.failed !== null && !(driven.failed instanceof RmcpError)) throw new Error('it failed without a cause');
  return { datagrams, outcome: driven.failed?.reason ?? 'answered' };
}

/** One datagram made of a true one, and of those that came before. */
function mutate(answer: Buffer, heard: readonly Buffer[], chance: SeededChance): Buffer {
  const copy = Buffer.from(answer);
  const at = (): number => chance.between(0, copy.length - 1);
  switch (chance.between(0, 7)) {
    case 0:
      return copy.subarray(0, at());
    case 1:
      copy[at()] = chance.between(0, 255);
      return notThe(answer, copy);
    case 2: {
      const place = at();
      copy[place] = (copy[place] ?? 0) ^ (1 << chance.between(0, 7));
      return copy;
    }
    case 3:
      return Buffer.concat([copy, chance.bytes(chance.between(1, 40))]);
    case 4:
      return notThe(answer, chance.pick(heard));
    case 5: {
      const other = chance.pick(heard);
      const place = at();
      return notThe(answer, Buffer.concat([copy.subarray(0, place), other.subarray(Math.min(place, other.length))]));
    }
    case 6:
      return chance.bytes(chance.between(0, 200));
    default:
      for (let count = chance.between(1, 6); count > 0; count -= 1) copy[at()] = chance.between(0, 255);
      return notThe(answer, copy);
  }
}

/** What has come out as the true answer is no mutation of it. */
function notThe(answer: Buffer, mutated: Buffer): Buffer {
  return mutated.equals(answer) ? Buffer.alloc(0) : mutated;
}
