/** The hardware of the driver `fake`: servers that exist only in this process, with every delay and fault to be set. */
import * as z from 'zod';
import type { Clock } from '../../core/clock.ts';
import { guidFrom } from '../../core/guid.ts';
import { findTarget, type Host, type OnOff, type OrderTarget, type Reading, type Target } from '../../core/power.ts';
import type { RecallAnswer } from '../driver.ts';

const milliseconds = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a number of milliseconds')
  .transform(Number);
const delay = z.union([z.literal('never').transform(() => Number.POSITIVE_INFINITY), milliseconds], {
  error: 'must be a number of milliseconds, or never',
});

const FAULTS = [
  'none',
  'silent',
  'refuse',
  'login',
  'busy',
  'garbled',
  'no_answer',
  'orders_unanswered',
  'reads_off',
] as const;
const RECALLS = ['works', 'refused', 'late'] as const;

const targetList = z
  .string()
  .transform((list) => list.split(',').map((word) => findTarget(word.trim())))
  .transform((targets) => targets.filter((target): target is Target => target !== null))
  .prefault('');

/** driver_info of the driver `fake`. */
export const fakeSchema = z.strictObject({
  fake_address: z.string().min(1).describe('Names the pretended BMC; two nodes cannot share one.'),
  fake_password: z.string().optional().meta({ writeOnly: true, description: 'Not used; shows how secrets are kept.' }),
  fake_power_state: z.enum(['on', 'off']).default('on').describe('What the node is at first.'),
  fake_answer_ms: milliseconds.prefault('0').describe('How long each command takes.'),
  fake_soft_ms: delay.prefault('0').describe('How long the operating system takes to stop, or `never`.'),
  fake_start_ms: delay.prefault('0').describe('How long it takes to start, also after a reset or an NMI, or `never`.'),
  fake_powering_ms: milliseconds.prefault('0').describe('How long it still reads off after a power on.'),
  fake_refuses_on_ms: milliseconds.prefault('0').describe('For how long after it went off a power on is refused.'),
  fake_fault: z
    .enum(FAULTS)
    .default('none')
    .describe(
      'What goes wrong with each command; `orders_unanswered` are carried out, and with `reads_off` a node that is on reads off.',
    ),
  fake_recall: z
    .enum(RECALLS)
    .default('works')
    .describe('The answer to a recall: `late` is accepted but does not help.'),
  fake_guid: z.string().prefault('').describe('Its GUID: 32 hexadecimal digits; it has none without it.'),
  fake_place: z.string().prefault('').describe('Where it really is: two addresses with one place are one BMC.'),
  fake_unsupported: targetList.describe('Targets that a probe finds missing, separated by commas.'),
});
/** A parsed driver_info of the driver `fake`. */
export type FakeInfo = z.infer<typeof fakeSchema>;

/** One pretended server. Everything can be changed while it runs. */
export interface FakeServer {
  settings: FakeInfo;
  powerState: OnOff;
  /** The change that is under way, if one is. Times are of the clock's `monotonic`. */
  pending: { target: OrderTarget; stopsAt: number; onAt?: number; endsAt: number } | null;
  /** When it last went off. */
  offAt: number;
  /** How often it has started. */
  boots: number;
  /** How many commands came with a login that it refuses. */
  refusedLogins: number;
  /** Every order and recall that reached the BMC, in order. */
  received: Target[];
}

/** The pretended servers by place. */
export type FakeHardware = Map<string, FakeServer>;

/** Where a pretended BMC is. */
export function placeOf({ fake_place: place, fake_address: address }: FakeInfo): string {
  return place === '' ? address : place;
}

/** The server of a driver_info, as it is at this moment; built at the first call. */
export function serverOf(settings: FakeInfo, hardware: FakeHardware, clock: Clock): FakeServer {
  const address = placeOf(settings);
  const fresh = (): FakeServer => ({
    settings,
    powerState: `power ${settings.fake_power_state}`,
    pending: null,
    offAt: Number.NEGATIVE_INFINITY,
    boots: 0,
    refusedLogins: 0,
    received: [],
  });
  const server = hardware.get(address) ?? fresh();
  hardware.set(address, server);
  catchUp(server, clock);
  return server;
}

/** Lets time pass for a server: what was pending and is due has happened. */
function catchUp(server: FakeServer, clock: Clock): void {
  const { pending } = server;
  if (pending === null) return;
  const goesOff = pending.target === 'soft power off';
  if (!goesOff && clock.monotonic() >= (pending.onAt ?? 0)) server.powerState = 'power on';
  if (clock.monotonic() < pending.endsAt) return;
  if (goesOff) goOff(server, pending.endsAt);
  else server.boots += 1;
  server.pending = null;
}

function goOff(server: FakeServer, at: number): void {
  server.powerState = 'power off';
  server.offAt = at;
}

/** What a look at the server shows. */
export function readingOf(server: FakeServer, clock: Clock): Reading {
  const { powerState, boots, settings } = server;
  const guid = guidFrom(settings.fake_guid);
  if (settings.fake_fault === 'reads_off') return { powerState: 'power off', boots, guid };
  return { powerState, host: hostOf(server, clock), boots, guid };
}

/** True while a power on is refused, as some BMCs do for a moment after the node went off. */
export function refusesOn({ powerState, offAt, settings }: FakeServer, clock: Clock): boolean {
  return powerState === 'power off' && clock.monotonic() - offAt < settings.fake_refuses_on_ms;
}

function hostOf({ powerState, pending }: FakeServer, clock: Clock): Host | undefined {
  if (powerState === 'power off') return pending?.target === 'power on' ? 'starting' : undefined;
  if (pending === null) return 'running';
  const stopping = clock.monotonic() >= pending.stopsAt;
  if (pending.target === 'soft power off') return stopping ? 'stopping' : 'running';
  return pending.target === 'soft rebooting' && !stopping ? 'running' : 'starting';
}

/** Does what an order says. An order that changes nothing, such as an NMI to a server that is off, does nothing. */
export function carryOut(server: FakeServer, target: OrderTarget, clock: Clock): void {
  server.received.push(target);
  if (target === 'power off') {
    if (server.powerState === 'power on') goOff(server, clock.monotonic());
    server.pending = null;
  } else if (target === 'power on' && server.powerState === 'power off') {
    if (server.pending === null) begin(server, target, clock);
  } else if (target !== 'power on' && server.powerState === 'power on') {
    begin(server, target, clock);
  }
  catchUp(server, clock);
}

/** Begins a change that takes time. A soft one can be recalled during the first half of the way down. */
function begin(server: FakeServer, target: OrderTarget, clock: Clock): void {
  const { fake_soft_ms: softMs, fake_start_ms: startMs, fake_powering_ms: poweringMs } = server.settings;
  const now = clock.monotonic();
  const soft = target === 'soft power off' || target === 'soft rebooting';
  const down = now + (soft ? softMs : 0);
  const onAt = target === 'power on' ? now + poweringMs : now;
  const endsAt = target === 'soft power off' ? down : Math.max(down, onAt) + startMs;
  server.pending = { target, stopsAt: soft ? now + softMs / 2 : now, onAt, endsAt };
}

/** Takes back an order that is pending, as far as the server's settings allow. */
export function takeBack(server: FakeServer, target: OrderTarget, clock: Clock): RecallAnswer {
  server.received.push(target === 'soft power off' ? 'abort soft power off' : 'abort soft rebooting');
  const { pending, settings } = server;
  if (settings.fake_recall === 'refused') return { accepted: false, reason: 'the pretended BMC refuses recalls' };
  if (pending?.target !== target) return { accepted: false, reason: 'nothing is pending' };
  if (settings.fake_recall === 'late') return { accepted: true, reason: 'accepted' };
  if (clock.monotonic() >= pending.stopsAt) return { accepted: false, reason: 'the host is on its way down' };
  server.pending = null;
  return { accepted: true, reason: 'accepted' };
}
