/** Faults that have no counterpart in the tests of the driver: a BMC that is hung, one that starts anew, a short memory. */
import test from 'ava';
import { getChassisStatus } from '../../src/drivers/ipmi/rmcp/commands.ts';
import { decodePacket, encodePing } from '../../src/drivers/ipmi/rmcp/packet.ts';
import type { RmcpError } from '../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import { QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { keepRestarting } from '../../src/sim/ipmi/restarts.ts';
import { HEALTHY, SimBmc } from '../../src/sim/ipmi/sim_bmc.ts';
import { never } from '../counterparts/signals.ts';
import { SIM_LOGIN } from '../counterparts/sim_bmc.ts';
import { settle, targetOf, Wire } from '../drivers/rmcp/wire.ts';
import { seededChance } from '../world/chance.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

test('a hung BMC says that it is there, but opens no session; a silent one says nothing', async (t) => {
  const wire = new Wire();
  const hung = wire.add('hung');
  const silent = wire.add('silent');
  hung.faults = { ...HEALTHY, hung: true };
  silent.faults = { ...HEALTHY, silent: true };
  const pool = wire.pool();
  const causeAt = async (name: string): Promise<string> => {
    const { error } = await settle(pool.run(targetOf(name), getChassisStatus, never()), wire.clock);
    return error === undefined ? 'an answer' : `${(error as RmcpError).reason}: ${(error as RmcpError).message}`;
  };
  t.is(decodePacket(hung.receive(encodePing(1))[0]?.datagram ?? Buffer.alloc(0))?.kind, 'pong');
  t.regex(await causeAt('hung'), /^SILENT: .*says that it speaks IPMI 2.0, but opens no session/);
  t.regex(await causeAt('silent'), /^SILENT: no answer/);
  t.is(hung.sessions + hung.received.length, 0);
  hung.faults = HEALTHY;
  t.is(await causeAt('hung'), 'an answer');
});

test('BMCs that start anew do so about as often as they were told, each at times of its own, until they are stopped', async (t) => {
  const clock = new VirtualClock();
  const restarted: number[] = [];
  const bmcs = Array.from(
    { length: 10 },
    (_, index) => ({ restart: () => restarted.push(index) }) as unknown as SimBmc,
  );
  const stop = keepRestarting(bmcs, { everyMs: 60_000, silentMs: 1000 }, clock, seededChance(3));
  await clock.turn(600_000);
  for (const index of bmcs.keys()) {
    const times = restarted.filter((each) => each === index).length;
    t.true(times >= 8 && times <= 13, `${times} times in ten minutes`);
  }
  stop();
  t.is(clock.timers, 0);
});

test('a restart takes the sessions away, and is survived by a client', async (t) => {
  const wire = new Wire();
  const bmc = wire.add('bmc');
  const pool = wire.pool();
  const read = () => settle(pool.run(targetOf('bmc'), getChassisStatus, never()), wire.clock);
  t.true((await read()).value?.powerOn);
  t.is(bmc.sessions, 1);
  bmc.restart(1000);
  t.is(bmc.sessions, 0);
  t.true((await read()).value?.powerOn);
});

test('a BMC that remembers little forgets the oldest', async (t) => {
  const wire = new Wire();
  const host = new SimHost('power on', QUICK_HOST, wire.clock);
  const { clock, chance } = wire;
  const bmc = new SimBmc({ login: SIM_LOGIN, host, clock, chance, remembers: 4 });
  wire.bmcs.set('bmc', bmc);
  const pool = wire.pool();
  for (let read = 0; read < 50; read += 1)
    await settle(pool.run(targetOf('bmc'), getChassisStatus, never()), wire.clock);
  t.true(bmc.received.length >= 4 && bmc.received.length <= 8);
});
