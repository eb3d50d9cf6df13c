/** A conductor ends when it is told to, whatever is open: each of these would keep it, if anything waited for it. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { runCommandLine } from '../../src/cli/program.ts';
import { systemClock, type Timer } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { AttachRequest } from '../../src/gen/countermand/v1/agent.ts';
import { PowerTarget } from '../../src/gen/countermand/v1/power.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { openCaptured } from '../cli/captured.ts';
import { newFolder } from '../counterparts/folder.ts';
import { newSimBmc } from '../counterparts/sim_bmc.ts';
import { StormDisk } from '../storm/disk.ts';
import { type House, openHouse, pretendReserve } from './house.ts';
import { putNewDatabase } from './new_database.ts';
import { enrol, order, untilIn } from './orders.ts';
import { flagsOf, LISTENING } from './processes.ts';
import { Watch } from './watching.ts';

/** Streams of each kind. test/e2e/many_streams has more of one kind, and `npm run bench -- rpcs` has 10,000 in all. */
const STREAMS = 100;
/** The same where the disk is what could keep the conductor. */
const FEW_STREAMS = 30;

const opened = (stream: AsyncIterable<unknown>): Promise<unknown> => stream[Symbol.asyncIterator]().next();

/** Streams that were read once, and are never read again. */
async function leaveStreams({ client }: House, task: string, count: number): Promise<void> {
  const kinds = [
    () => client.nodes.watchNodes({ nodes: ['n1'] }),
    () => client.power.watchPowerTask({ task }),
    () => client.notifications.subscribe({ fromSequence: 1n }),
  ];
  await Promise.all(kinds.flatMap((open) => Array.from({ length: count }, () => opened(open()))));
}

/** HTTP connections: idle, within the headers, and within a body. */
async function leaveRequests(t: ExecutionContext, { http }: House): Promise<void> {
  const { hostname, port } = new URL(http);
  const half = 'POST /v1/audits HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{';
  for (const text of ['', 'GET /healthz HTTP/1.1\r\n', half, half]) {
    const socket = connect(Number(port), hostname);
    t.teardown(() => socket.destroy());
    await once(socket.on('error', () => {}).resume(), 'connect');
    socket.write(text);
  }
}

/** An agent of a zone of its own, which says who it is and nothing more. */
async function attachSilently({ client }: House, zone: string): Promise<void> {
  const drivers = [{ name: 'fake', driverInfoSchema: '{}', targets: [PowerTarget.ON], recalls: [] }];
  const hello = { agentUuid: crypto.randomUUID(), name: 'silent', zones: [zone], drivers };
  async function* messages() {
    yield AttachRequest.fromPartial({ message: { $case: 'hello', value: hello } } as never);
    await new Promise(() => {});
  }
  await opened(client.agents.attach(messages()));
}

/** Calls whose peer never answers. */
function leaveCalls({ client }: House, info: Record<string, string>): Promise<unknown>[] {
  const silent = { driver: 'fake', driverInfo: { fake_address: 'far' }, zone: 'far' };
  return [
    client.nodes.createNode({ name: 'far', ...silent }),
    client.nodes.validateNode({ node: 'hung' }),
    opened(client.nodes.refreshNodes({ nodes: ['hung'] })),
    client.nodes.explainNode({ node: 'hung' }),
    opened(client.power.setPowerState({ node: 'hung', target: PowerTarget.OFF })),
    client.nodes.createNode({ name: 'hung2', driver: 'ipmi', driverInfo: { ...info, ipmi_port: '1' } }),
  ];
}

async function openEverything(t: ExecutionContext, house: House, streams: number): Promise<void> {
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1', fake_soft_ms: 'never' });
  const soft = order(client, 'n1', 'SOFT_POWER_OFF');
  const { uuid } = await untilIn(soft, 'CONFIRMING');
  const { bmc, info } = await newSimBmc(t);
  await enrol(client, 'hung', 'ipmi', { ...info });
  bmc.faults = { ...bmc.faults, hung: true };
  await client.plans.createActionPlan({
    name: 'sleeps',
    actions: [{ name: 'a', actionType: 'sleep', inputParameters: { duration: 80_000 }, parents: [] }],
  });
  await client.plans.startActionPlan({ actionPlan: 'sleeps' });
  const plan = new Watch(client.plans.watchActionPlan({ actionPlan: 'sleeps' }));
  await plan.until('the plan', () => true);
  await attachSilently(house, 'far');
  await leaveStreams(house, uuid, streams);
  await leaveRequests(t, house);
  for (const call of leaveCalls(house, { ...info })) call.catch(() => {});
  // All of them have come when another has been answered.
  await client.nodes.getNode({ node: 'n1' });
}

test('SIGTERM ends a conductor whatever is open: streams, requests, hung BMCs, silent agents, orders and plans', async (t) => {
  const house = await openHouse(t, { http: true });
  await openEverything(t, house, STREAMS);
  house.conductor.signal('SIGTERM');
  t.is(await house.conductor.ended, 0);
});

test('SIGTERM ends it also while its disk is full and writes wait', async (t) => {
  const mounted = Promise.withResolvers<StormDisk>();
  const house = await openHouse(t, {
    http: true,
    async disk(data) {
      const disk = await StormDisk.mount(t, data, 90);
      mounted.resolve(disk);
      return disk.within;
    },
  });
  await openEverything(t, house, FEW_STREAMS);
  await (await mounted.promise).fill();
  const calls = Array.from({ length: 50 }, (_, at) =>
    enrol(house.client, `full${at}`, 'fake', { fake_address: `full${at}` }),
  );
  house.conductor.signal('SIGTERM');
  t.is(await house.conductor.ended, 0);
  await Promise.allSettled(calls);
});

/** The machine's clock, whose timers wait from `hold` on until `release`. */
function openHeldClock() {
  let isHeld = false;
  let waiting: { readonly delayMs: number; readonly action: () => void; cancelled: boolean }[] = [];
  const after = (delayMs: number, action: () => void): Timer => {
    if (!isHeld) return systemClock.after(delayMs, action);
    const timer = { delayMs, action, cancelled: false };
    waiting.push(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  };
  return {
    clock: { ...systemClock, after },
    hold: (): void => {
      isHeld = true;
    },
    /** Lets the timers expire that wait this long, or all of them. */
    release(delayMs?: number): void {
      isHeld = delayMs !== undefined;
      const expire = waiting.filter((timer) => !isHeld || timer.delayMs === delayMs);
      waiting = waiting.filter((timer) => !expire.includes(timer));
      for (const { cancelled, action } of expire) if (!cancelled) action();
    },
  };
}

test('when the shutdown has taken too long, the step that is waited for is named, and the process ends without it', async (t) => {
  const { clock, hold, release } = openHeldClock();
  const { terminal, interrupt } = openCaptured();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  let isAbandoned = false;
  const abandon = (): void => {
    isAbandoned = true;
  };
  const data = await newFolder(t);
  await pretendReserve(data);
  putNewDatabase(data);
  const settings = { data, listen: `${ownAddress()}:0`, http_listen: 'none', drain_timeout: 20 };
  const [said, logged] = [new Watch(createInterface(stdout)), new Watch(createInterface(stderr))];
  const ended = runCommandLine(['serve', ...flagsOf(settings)], { ...terminal, clock, stdout, stderr, abandon });
  t.teardown(() => release());
  await said.until('the conductor', (text) => LISTENING.test(text));
  hold();
  interrupt.abort(fail('CALL_ENDED', 'stopped'));
  release(40_000);
  const told = await logged.until('the step', (text) => text.includes('the shutdown hangs'));
  t.like(JSON.parse(told), { level: 50, limit_ms: 40_000 });
  t.true(isAbandoned);
  t.is(await ended, 7);
});
