/**
 * An agent that was frozen, as by SIGSTOP or with its virtual machine, finds what was sent to it meanwhile. It may not act on that as
 * if it were new, also where it finds it before its timers have run.
 */
import test from 'ava';
import type { AttachResponse } from '../../../src/gen/countermand/v1/agent.ts';
import type { Command } from '../../world/driver.ts';
import { World } from '../../world/world.ts';

const HOUR_MS = 3_600_000;

type Message = NonNullable<AttachResponse['message']>['$case'];

/** A world with an agent that falls asleep as soon as its conductor says this to it, and with one that does not. */
async function worldThatFreezesAt(t: Parameters<typeof World.open>[0], message: Message) {
  const world = await World.open(t, { latencyMs: 500 });
  const commands: Command[] = [];
  world.onCommand = (command) => {
    commands.push(command);
    return () => {};
  };
  await world.startAgent('frozen');
  await world.clock.turn(5000);
  await world.enrol('n1', { fake_soft_ms: 'never', fake_recall: 'works' });
  const agent = world.agents.get('frozen');
  if (!agent) throw new Error('no agent runs');
  world.onSent = ({ agent: to, message: said }) => {
    if (to === 'frozen' && said.$case === message) agent.process.pause();
  };
  const untilFrozen = () => world.clock.turnUntil(() => agent.process.paused, 60_000);
  const sleepForAnHour = async (timersFirst: boolean): Promise<Command[]> => {
    await untilFrozen();
    await world.startAgent('awake');
    await world.clock.turn(HOUR_MS);
    await agent.process.resume(timersFirst);
    await world.clock.turn(60_000);
    return commands;
  };
  return { world, sleepForAnHour };
}

for (const [timersFirst, what] of [
  [false, 'messages'],
  [true, 'timers'],
] as const) {
  test(`a Go that lies in front of it for an hour sends nothing; its ${what} come first`, async (t) => {
    const { world, sleepForAnHour } = await worldThatFreezesAt(t, 'go');
    const task = await world.order('n1', 'inject nmi');
    t.deepEqual(await sleepForAnHour(timersFirst), []);
    const row = await world.database.read('power_tasks').where('uuid', task.uuid).first();
    t.like(row, { state: 'FAILED' });
  });

  test(`an abort that lies in front of it for an hour recalls nothing; its ${what} come first`, async (t) => {
    const { world, sleepForAnHour } = await worldThatFreezesAt(t, 'abort');
    await world.order('n1', 'soft power off');
    await world.clock.turn(5000);
    await world.order('n1', 'abort soft power off');
    const commands = await sleepForAnHour(timersFirst);
    t.deepEqual(
      commands.map(({ agent, target }) => `${agent}: ${target}`),
      ['frozen: soft power off'],
    );
  });
}
