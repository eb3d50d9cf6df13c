/**
 * How long is no order accepted after a leader was killed with SIGKILL, or was stopped with SIGSTOP? Two conductors stand on one
 * PostgreSQL. The same order, with one request_id, is given to the other conductor every 50 ms, without waiting for the answers of
 * the calls before, until one of them is answered with success. The clock starts right before the signal is sent. A leader that was
 * killed is started again and stands by, one that was stopped goes on after 30 s and must stand by: then it is the other one's turn.
 * `TAKEOVERS=3` kills three times instead of ten.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, withConductor } from '../src/cli/shared/connection.ts';
import { systemClock } from '../src/core/clock.ts';
import { fail } from '../src/core/errors.ts';
import { openCancellation, sleep, untilAborted } from '../src/core/signals.ts';
import { PowerTarget, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { startPostgres } from '../test/counterparts/postgres_server.ts';
import type { Row } from './figures.ts';
import { type Conductor, startConductors } from './postgres/conductors.ts';

const KILLS = Number(process.env.TAKEOVERS ?? 10);
const ATTEMPT_EVERY_MS = 50;
const STOPPED_MS = 30_000;
/** Ends a hang. */
const LIMIT_MS = 60_000;
const AIM = { median: 2000, max: 5000 };

/** The rows: after SIGKILL, and after SIGSTOP. */
export async function takeover(signal: AbortSignal): Promise<Row[]> {
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const server = await startPostgres({ durable: true });
  after.defer(() => server.stop());
  await server.query('create database takeover');
  const database = server.urlOf('takeover');
  const conductors = await startConductors(2, { database, folder, flags: [] }, signal);
  for (const conductor of conductors) after.defer(() => conductor.kill());
  await at(conductors[0] as Conductor, (client) => enrol(client), signal);

  const killed: number[] = [];
  let [leader, other] = conductors as [Conductor, Conductor];
  for (let kill = 0; kill < KILLS; kill += 1) {
    killed.push(await untilAccepted(`node${kill}`, other, () => leader.signal('SIGKILL'), signal));
    await leader.kill();
    await other.untilItLeads(signal);
    leader.start();
    await leader.untilItStandsBy(signal);
    [leader, other] = [other, leader];
  }
  const wakes = sleep(STOPPED_MS, systemClock, signal);
  const stopped = await untilAccepted(`node${KILLS}`, other, () => leader.signal('SIGSTOP'), signal);
  await wakes;
  leader.signal('SIGCONT');
  await leader.untilItStandsBy(signal);
  await at(other, (client) => allMustSucceed(client, signal), signal);
  return [
    { what: 'the leader is killed with SIGKILL, until the other one accepts an order', times: killed, aim: AIM },
    {
      what: `the leader is stopped for ${STOPPED_MS / 1000} s, until the other one accepts an order`,
      times: [stopped],
      aim: { max: AIM.max },
    },
  ];
}

const at = <T>({ address }: Conductor, use: (client: Client) => Promise<T>, signal: AbortSignal): Promise<T> =>
  withConductor({ address, tls: null, token: null }, use, { clock: systemClock, signal });

/** A node for each order, so that none meets another. */
async function enrol({ nodes }: Client): Promise<void> {
  for (let order = 0; order <= KILLS; order += 1) {
    const name = `node${order}`;
    await nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } });
  }
}

/** Milliseconds from `strike` to the moment at which a conductor has accepted an order. */
function untilAccepted(node: string, other: Conductor, strike: () => void, signal: AbortSignal): Promise<number> {
  return at(
    other,
    async ({ power }) => {
      const accepted = Promise.withResolvers<number>();
      const requestId = randomUUID();
      const limit = { clock: systemClock, afterMs: LIMIT_MS, what: 'the wait for an order to be accepted' };
      const cancellation = openCancellation([signal], limit);
      const within = cancellation.signal;
      let last: unknown = null;
      const startedAt = systemClock.monotonic();
      strike();
      const attempt = (): Promise<void> =>
        power.orderPowerState({ node, target: PowerTarget.OFF, requestId }, { signal: within }).then(
          () => accepted.resolve(systemClock.monotonic() - startedAt),
          (error) => {
            last = error;
          },
        );
      const attempts: Promise<void>[] = [];
      const endless = async (): Promise<never> => {
        for (;;) {
          attempts.push(attempt());
          await sleep(ATTEMPT_EVERY_MS, systemClock, within);
        }
      };
      try {
        return await untilAborted(Promise.race([accepted.promise, endless()]), within);
      } catch (error) {
        throw new Error(`no order was accepted: ${last}`, { cause: error });
      } finally {
        cancellation.abort(fail('CALL_ENDED', 'one of the calls was answered'));
        cancellation.end();
        await Promise.all(attempts);
      }
    },
    signal,
  );
}

/** Every order that was accepted has succeeded, and each was stored once. */
async function allMustSucceed({ power }: Client, signal: AbortSignal): Promise<void> {
  const { tasks } = await power.listPowerTasks({ pageSize: 1000 });
  if (tasks.length !== KILLS + 1) throw new Error(`${KILLS + 1} orders were accepted, and ${tasks.length} are stored`);
  for (const { uuid } of tasks) {
    let state: PowerTaskState | undefined;
    for await (const { task } of power.watchPowerTask({ task: uuid }, { signal })) state = task?.state;
    if (state !== PowerTaskState.SUCCEEDED) throw new Error(`the order ${uuid} ended in state ${state}`);
  }
}
