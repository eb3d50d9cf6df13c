/**
 * The driver `fake`: hardware that exists only in this process. It is the example to read before writing a driver; it
 * can do every target, and every delay and fault can be set, for trying things out and for the simulation.
 */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { type CountermandError, type ErrorCode, fail } from '../core/errors.ts';
import {
  findTarget,
  type Host,
  type OnOff,
  type OrderTarget,
  type Reading,
  TARGETS,
  type Target,
} from '../core/power.ts';
import { sleep } from '../core/signals.ts';
import { type Bmc, type Driver, defineDriver, type RecallAnswer, type Supported } from './driver.ts';

const milliseconds = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a number of milliseconds')
  .transform(Number);
const delay = z.union([z.literal('never').transform(() => Number.POSITIVE_INFINITY), milliseconds]);

const FAULTS = ['none', 'silent', 'refuse', 'login', 'busy', 'garbled', 'no_answer'] as const;
const RECALL_FAULTS = ['works', 'refused', 'late'] as const;

const schema = z.strictObject({
  fake_address: z.string().min(1).describe('Names the pretended BMC; two nodes cannot share one.'),
  fake_password: z.string().optional().meta({ writeOnly: true, description: 'Not used; shows how secrets are kept.' }),
  fake_power_state: z.enum(['on', 'off']).default('on').describe('What the node is at first.'),
  fake_answer_ms: milliseconds.default(0).describe('How long each command takes.'),
  fake_soft_ms: delay.default(0).describe('How long the operating system takes to stop, or `never`.'),
  fake_start_ms: delay.default(0).describe('How long it takes to start, also after a reset or an NMI, or `never`.'),
  fake_fault: z.enum(FAULTS).default('none').describe('What goes wrong with each command.'),
  fake_recall: z
    .enum(RECALL_FAULTS)
    .default('works')
    .describe('What a recall comes to: `late` is taken but does not help.'),
  fake_unsupported: z
    .string()
    .default('')
    .transform((list) => list.split(',').map((word) => findTarget(word.trim())))
    .describe('Targets that a probe finds missing, separated by commas.'),
});
type FakeInfo = z.infer<typeof schema>;

/** One pretended server. Everything can be changed while it runs. */
export interface FakeServer {
  settings: FakeInfo;
  powerState: OnOff;
  /** The change that is under way, if one is. Times are of the clock's `monotonic`. */
  pending: { target: OrderTarget; stopsAt: number; endsAt: number } | null;
  /** How often it has started. */
  boots: number;
  /** Every order and recall that reached the BMC, in order. */
  received: Target[];
}

/** The pretended servers by address. Given to a driver from outside, it outlives the driver. */
export type FakeHardware = Map<string, FakeServer>;

/** How long a command waits for a BMC that does not answer. */
export const FAKE_SILENCE_MS = 5000;

/** Lets time pass for a server: what was pending and is due has happened. */
function catchUp(server: FakeServer, clock: Clock): void {
  const { pending } = server;
  if (pending === null || clock.monotonic() < pending.endsAt) return;
  server.powerState = pending.target === 'soft power off' ? 'power off' : 'power on';
  if (pending.target !== 'soft power off') server.boots += 1;
  server.pending = null;
}

function hostOf(server: FakeServer, clock: Clock): Host | undefined {
  if (server.powerState === 'power off') return undefined;
  const { pending } = server;
  if (pending === null) return 'running';
  const now = clock.monotonic();
  if (pending.target === 'soft power off') return now < pending.stopsAt ? 'running' : 'stopping';
  if (pending.target === 'soft rebooting' && now < pending.stopsAt) return 'running';
  return 'starting';
}

function readingOf(server: FakeServer, clock: Clock): Reading {
  return { powerState: server.powerState, host: hostOf(server, clock), boots: server.boots };
}

/** Begins a change that takes time. A soft one can be recalled during the first half of the way down. */
function begin(server: FakeServer, target: OrderTarget, clock: Clock): void {
  const { fake_soft_ms: softMs, fake_start_ms: startMs } = server.settings;
  const now = clock.monotonic();
  const soft = target === 'soft power off' || target === 'soft rebooting';
  const down = now + (soft ? softMs : 0);
  const endsAt = target === 'soft power off' ? down : down + startMs;
  server.pending = { target, stopsAt: soft ? now + softMs / 2 : now, endsAt };
}

function carryOut(server: FakeServer, target: OrderTarget, clock: Clock): void {
  if (target === 'power off') {
    server.powerState = 'power off';
    server.pending = null;
  } else if (target === 'power on') {
    if (server.powerState === 'power on') return;
    server.powerState = 'power on';
    begin(server, target, clock);
  } else if (server.powerState === 'power on') {
    begin(server, target, clock);
  }
  catchUp(server, clock);
}

function recall(server: FakeServer, target: OrderTarget, clock: Clock): RecallAnswer {
  const { pending, settings } = server;
  if (settings.fake_recall === 'refused') return { accepted: false, reason: 'the pretended BMC refuses recalls' };
  if (pending?.target !== target) return { accepted: false, reason: 'nothing is pending' };
  if (settings.fake_recall === 'late') return { accepted: true, reason: 'accepted' };
  if (clock.monotonic() >= pending.stopsAt) return { accepted: false, reason: 'the host is on its way down' };
  server.pending = null;
  return { accepted: true, reason: 'accepted' };
}

const FAULT_ERRORS: Partial<Record<FakeInfo['fake_fault'], readonly [ErrorCode, string]>> = {
  refuse: ['BMC_REFUSED', 'refuses the command'],
  login: ['BMC_LOGIN_REFUSED', 'refuses the password'],
  busy: ['BMC_BUSY', 'has no session left'],
  garbled: ['BMC_GARBLED', 'answered with something that is no answer'],
};

function faultOf(server: FakeServer, address: string): CountermandError | null {
  const fault = FAULT_ERRORS[server.settings.fake_fault];
  return fault ? fail(fault[0], `fake BMC ${address} ${fault[1]}`) : null;
}

/** What a fake driver needs, and how its hardware behaves. */
export interface FakeDriverParts {
  readonly clock: Clock;
  readonly hardware?: FakeHardware;
  /** As some hardware does a soft reboot on one command and some does not, both can be had. */
  readonly softRebootInOneCommand?: boolean;
}

/** The fake driver over `hardware`, or over some of its own. */
export function createFakeDriver(parts: FakeDriverParts): Driver<FakeInfo> {
  const { clock, hardware = new Map(), softRebootInOneCommand = true } = parts;

  function serverOf({ info }: Bmc<FakeInfo>): FakeServer {
    let server = hardware.get(info.fake_address);
    if (server === undefined) {
      server = { settings: info, powerState: `power ${info.fake_power_state}`, pending: null, boots: 0, received: [] };
      hardware.set(info.fake_address, server);
    }
    catchUp(server, clock);
    return server;
  }

  /** One exchange with the BMC: `effect` happens at once, the answer comes later. */
  async function exchange<T>(bmc: Bmc<FakeInfo>, effect: (server: FakeServer) => T, signal: AbortSignal): Promise<T> {
    const server = serverOf(bmc);
    const address = bmc.info.fake_address;
    const { fake_fault: fault, fake_answer_ms: answerMs } = server.settings;
    signal.throwIfAborted();
    if (fault === 'silent') {
      await sleep(FAKE_SILENCE_MS, clock, signal);
      throw fail('BMC_SILENT', `fake BMC ${address} does not answer`);
    }
    const refusal = faultOf(server, address);
    const result = refusal === null || fault === 'garbled' ? effect(server) : null;
    if (answerMs > 0) await sleep(answerMs, clock, signal);
    if (fault === 'no_answer') {
      await sleep(FAKE_SILENCE_MS, clock, signal);
      throw fail('NO_ANSWER', `fake BMC ${address} did not answer the command; it may have been carried out`);
    }
    if (refusal !== null) throw refusal;
    return result as T;
  }

  return defineDriver<FakeInfo>({
    name: 'fake',
    schema,
    targets: TARGETS,
    recalls: ['soft rebooting', 'soft power off'],
    softRebootInOneCommand,
    minCommandIntervalMs: 0,
    keyOf: (info) => `fake://${info.fake_address}`,

    getSupportedPowerStates(bmc, signal): Promise<Supported> {
      const missing = bmc.info.fake_unsupported;
      const supported = { targets: TARGETS.filter((target) => !missing.includes(target)), probed: true };
      return exchange(bmc, () => supported, signal);
    },

    getPowerState: (bmc, signal) => exchange(bmc, (server) => readingOf(server, clock), signal),

    setPowerState(bmc, target, signal) {
      if (target === 'soft rebooting' && !softRebootInOneCommand) {
        return Promise.reject(fail('TARGET_NOT_SUPPORTED', 'this fake hardware has no soft reboot of its own'));
      }
      const effect = (server: FakeServer): void => {
        server.received.push(target);
        carryOut(server, target, clock);
      };
      return exchange(bmc, effect, signal);
    },

    abortPowerState(bmc, target, signal) {
      const effect = (server: FakeServer): RecallAnswer => {
        server.received.push(target === 'soft power off' ? 'abort soft power off' : 'abort soft rebooting');
        return recall(server, target, clock);
      };
      return exchange(bmc, effect, signal);
    },
  });
}
