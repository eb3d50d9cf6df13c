/**
 * `npm run demo`: a conductor with its agent, real BMC simulators on loopback, and an operator's few minutes with
 * them, in some seconds. It ends with 0 if all that it shows has really happened, else with 1 and a sentence. Nothing that
 * it started, and no file of it, is left.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, withConductor } from '../src/cli/shared/connection.ts';
import { systemClock } from '../src/core/clock.ts';
import { asCountermandError, fail } from '../src/core/errors.ts';
import { openCancellation } from '../src/core/signals.ts';
import type { ChassisFaults } from '../src/sim/chassis.ts';
import { type IpmiSim, startIpmiSim } from '../src/sim/ipmi_sim.ts';
import { drainHost, startCloud } from './demo/cloud.ts';
import { environmentWith, startConductorProcess } from './demo/conductor_process.ts';
import { cancelRack, RACK } from './demo/rack.ts';
import { rebootOverRedfish, startRedfish } from './demo/redfish.ts';
import { abortSideBySide, startIrmc } from './demo/side_by_side.ts';
import { openStage } from './demo/stage.ts';
import { type NodeName, PASSWORD_VARIABLE, tellStory } from './demo/story.ts';
import { undoService } from './demo/undo.ts';

/** Ends a hang: far more than it takes on a slow and busy machine. */
const LIMIT_MS = 30 * 60_000;
const STOPPED = 130;

/** How the operating system of each node takes a soft power off. */
const NODES: Readonly<Record<NodeName, Partial<ChassisFaults>>> = {
  r7n1: { softOffDelayS: 2 },
  r7n2: { softOffDelayS: 'never' },
  r7n3: {},
};

/** So that no scene has to wait long for the readings in the background. */
const FLAGS = ['--window-read-interval', '1', '--sync-power-state-interval', '1', '--recall-confirm', '3'];

async function showAll(signal: AbortSignal): Promise<void> {
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-demo-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));

  const startAll = async <Name extends string>(nodes: Readonly<Record<Name, Partial<ChassisFaults>>>) => {
    const bmcs = {} as Record<Name, IpmiSim>;
    for (const name of Object.keys(nodes) as Name[]) {
      const bmc = await startIpmiSim({ directory: join(folder, 'bmcs', name), ...nodes[name] }, systemClock, signal);
      after.defer(() => bmc.stop());
      bmcs[name] = bmc;
    }
    return bmcs;
  };
  const bmcs = await startAll(NODES);
  const rack = await startAll(RACK);
  const { hangs } = await startAll({ hangs: { softOffDelayS: 'never' } });
  const irmc = await startIrmc(hangs);
  after.defer(() => irmc.stop());
  const redfish = await startRedfish(hangs);
  after.defer(() => redfish.stop());
  const cloud = await startCloud(folder);
  after.defer(() => cloud.stop());
  const flags = ['--data', join(folder, 'data'), '--clouds-file', cloud.file, ...FLAGS];
  // Node keeps there what it has compiled; commands start faster.
  const compiled = { NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const agent = environmentWith({ ...compiled, [PASSWORD_VARIABLE]: bmcs.r7n1.password });
  const conductor = await startConductorProcess(flags, agent, signal);
  after.defer(() => conductor.stop());

  const operator = environmentWith({ ...compiled, COUNTERMAND_CONDUCTOR: conductor.address });
  const stage = openStage(process.stdout, folder, operator);
  stage.heading('Countermand: the bare-metal conductor whose orders can be taken back');
  stage.say(
    "Ten BMCs with real IPMI (OpenIPMI's ipmi_sim), a simulated iRMC, a simulated iDRAC and a simulated Nova run on loopback, and a conductor with its agent:",
  );
  stage.command(conductor.command);
  stage.output(conductor.said);
  const tell = async (clients: Client): Promise<void> => {
    await tellStory({ stage, conductor: clients, bmcs }, signal);
    await cancelRack({ stage, conductor: clients, rack, folder }, signal);
    await undoService({ stage, conductor: clients, bmcs, folder }, signal);
    await abortSideBySide({ stage, conductor: clients, irmc, bmc: hangs }, signal);
    await rebootOverRedfish({ stage, conductor: clients, redfish, username: hangs.username }, signal);
    await drainHost({ stage, conductor: clients, cloud }, signal);
  };
  await withConductor({ address: conductor.address, tls: null, token: null }, tell, { clock: systemClock, signal });
}

const byHand = openCancellation([]);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => byHand.abort(fail('CALL_ENDED', 'by hand')));
process.stdout.on('error', () => byHand.abort(fail('CALL_ENDED', 'the output of the demo is closed')));

const cancellation = openCancellation([byHand.signal], { clock: systemClock, afterMs: LIMIT_MS, what: 'the demo' });
const startedAt = systemClock.monotonic();
try {
  await showAll(cancellation.signal);
  const seconds = Math.round((systemClock.monotonic() - startedAt) / 1000);
  process.stdout.write(`\nAll of it happened, in ${seconds} s, and nothing of it is left. For keeps: npm start\n`);
} catch (thrown) {
  const { code, message } = asCountermandError(thrown);
  const stopped = code === 'CALL_ENDED';
  process.stderr.write(stopped ? `\nThe demo was stopped: ${message}.\n` : `\nThe demo failed: ${message}\n`);
  process.exitCode = stopped ? STOPPED : 1;
} finally {
  cancellation.end();
}
