/** However many BMCs hang: the drivers of an agent open no more sockets and processes than their share of its files. */
import { createSocket } from 'node:dgram';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { fail } from '../../src/core/errors.ts';
import { openCancellation } from '../../src/core/signals.ts';
import type { Bmc, Driver, DriverInfo } from '../../src/drivers/driver.ts';
import { createDrivers } from '../../src/drivers/list.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { processesWith } from '../counterparts/processes.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';

/** Half of them are the drivers', an eighth is that of each kind, and a sixteenth is for questions. */
const FILES = 256;
const QUESTIONS = FILES / 16;
/** Four files for each process. */
const PROCESSES = QUESTIONS / 4;
/** More than there is room for. */
const ASKED = 3 * QUESTIONS;
const GIVEN_UP = fail('ABORT_REQUESTED', 'enough');

function driverOf(t: ExecutionContext, name: string, searchPath = process.env.PATH ?? ''): Driver {
  const given = { clock: new PatientClock(), chance: systemChance, searchPath };
  const drivers = createDrivers({ ...given, ipmiKeepSessionMs: 0, bmcCaFolder: null, openFilesLimit: FILES });
  t.teardown(() => {
    for (const driver of drivers) driver.close();
  });
  const found = drivers.find((driver) => driver.name === name);
  if (found === undefined) throw new Error(`there is no driver ${name}`);
  return found;
}

/** A server that takes connections and says nothing, and how many are open. */
async function newHungHttp(t: ExecutionContext): Promise<{ port: number; open: () => number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    // Without a reader the end of the connection is not seen.
    socket.resume();
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, ownAddress(), resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, open: () => sockets.size };
}

/** A socket that hears and says nothing, and how many others have spoken to it since the last look. */
async function newHungUdp(t: ExecutionContext): Promise<{ port: number; peers: Set<number> }> {
  const peers = new Set<number>();
  const socket = createSocket('udp4').on('message', (_, { port }) => peers.add(port));
  await new Promise<void>((resolve) => socket.bind(0, ownAddress(), resolve));
  t.teardown(() => socket.close());
  return { port: socket.address().port, peers };
}

/** Asks many at once, until `open` is `atOnce`; then gives up those that wait, and shows that no other has come. */
async function isBounded(
  t: ExecutionContext,
  call: (signal: AbortSignal) => Promise<unknown>,
  open: () => number | Promise<number>,
  atOnce: number,
): Promise<void> {
  const first = Array.from({ length: atOnce }, () => openCancellation([]));
  const others = Array.from({ length: ASKED }, () => openCancellation([]));
  const calls = [...first, ...others].map(({ signal }) => call(signal).catch((error) => error));
  await eventually(`${atOnce} to be open`, async () => (await open()) >= atOnce);
  // One that waits ends at once when it is given up. Had it been at its BMC, that would have heard of it.
  for (const { abort } of others) abort(GIVEN_UP);
  t.deepEqual(new Set(await Promise.all(calls.slice(atOnce))), new Set([GIVEN_UP]));
  t.is(await open(), atOnce);
  // What ends leaves its place to the next.
  const next = openCancellation([]);
  const late = call(next.signal).catch((error) => error);
  for (const { abort } of first) abort(GIVEN_UP);
  await Promise.all(calls.slice(0, atOnce));
  await eventually('the next to be open', async () => (await open()) >= 1);
  next.abort(GIVEN_UP);
  t.is(await late, GIVEN_UP);
}

const login = { redfish_username: 'admin', redfish_password: 'secret', redfish_system_id: '1' };

test('connections of redfish, and an order waits for no question', async (t) => {
  const hung = await newHungHttp(t);
  const driver = driverOf(t, 'redfish');
  const bmc = driver.parse({ redfish_address: `http://${ownAddress()}:${hung.port}`, ...login });
  await isBounded(t, (signal) => driver.getPowerState(bmc, signal), hung.open, QUESTIONS);
  await eventually('all to be closed', () => hung.open() === 0);
  const cancellation = openCancellation([]);
  const questions = Array.from({ length: ASKED }, () => driver.getPowerState(bmc, cancellation.signal).catch(() => {}));
  await eventually('the questions to be open', () => hung.open() === QUESTIONS);
  const order = driver.setPowerState(bmc, 'power off', cancellation.signal).catch((error) => error);
  await eventually('the order to be open', () => hung.open() === QUESTIONS + 1);
  cancellation.abort(GIVEN_UP);
  t.is(await order, GIVEN_UP);
  await Promise.all(questions);
});

test('sockets of irmc: SNMP', async (t) => {
  const hung = await newHungUdp(t);
  const driver = driverOf(t, 'irmc');
  const bmc = irmcAt(driver, { irmc_snmp_version: 'v2c', irmc_snmp_port: String(hung.port) });
  const look = async (): Promise<number> => hung.peers.size;
  await isBounded(t, (signal) => driver.getPowerState(bmc, signal), look, QUESTIONS);
});

test('connections of irmc: orders by SCCI', async (t) => {
  const hung = await newHungHttp(t);
  const driver = driverOf(t, 'irmc');
  const bmc = irmcAt(driver, { irmc_port: String(hung.port) });
  await isBounded(t, (signal) => driver.setPowerState(bmc, 'soft power off', signal), hung.open, QUESTIONS);
});

function irmcAt(driver: Driver, more: DriverInfo): Bmc<unknown> {
  const info = { irmc_address: ownAddress(), irmc_username: 'admin', irmc_password: 'secret' };
  return driver.parse({ ...info, irmc_port: '9', irmc_protocol: 'http', ...more });
}

/** A program in the place of ipmitool that runs until it is ended: ipmitool itself gives up a silent BMC by its own clock. */
async function newHungProgram(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'ipmitool'), '#!/usr/bin/perl\nsleep 3600;\n', { mode: 0o755 });
  return folder;
}

test('processes of ipmitool', async (t) => {
  const { info } = await newSimBmc(t, { faults: { hung: true } });
  const folder = await newHungProgram(t);
  const driver = driverOf(t, 'ipmi', `${folder}:${process.env.PATH}`);
  // With a suite that is named, none waits for what another finds out.
  const bmc = driver.parse({ ...info, ipmi_transport: 'ipmitool', ipmi_cipher_suite: '17' });
  const running = async () => (await processesWith(join(folder, 'ipmitool'), String(info.ipmi_port))).length;
  await isBounded(t, (signal) => driver.getPowerState(bmc, signal), running, PROCESSES);
});
