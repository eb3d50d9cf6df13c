/**
 * `npm run acceptance -- openstack`: the product against a real Nova, with MariaDB, RabbitMQ and a hypervisor without guests, all on loopback
 * in a temporary folder. A line for each check, then how many passed and failed. Exit code 0 if all passed, 1 if not, 2 for a wrong command
 * line or missing packages. Everything that was started is ended, also after Ctrl-C.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withConductor } from '../src/cli/shared/connection.ts';
import { systemClock } from '../src/core/clock.ts';
import { asCountermandError, fail } from '../src/core/errors.ts';
import { openCancellation } from '../src/core/signals.ts';
import { Checks } from './acceptance/checks.ts';
import { startNova } from './acceptance/nova/nova.ts';
import { checkAborts, checkEarlyAborts, checkKills, checkLateAborts } from './acceptance/openstack/aborts.ts';
import { checkBadInput } from './acceptance/openstack/bad_input.ts';
import { Pool } from './acceptance/openstack/instances.ts';
import { checkDisabledHost, checkEvacuation, checkMaintenance } from './acceptance/openstack/maintenance.ts';
import { checkFailures, checkKinds, checkMoves, checkServices } from './acceptance/openstack/moves.ts';
import { checkNotifications } from './acceptance/openstack/notifications.ts';
import { cloudsOf, enrol, Site, startBmcs, startConductor, wireToPower } from './acceptance/openstack/site.ts';
import { versions, whatIsMissing } from './acceptance/programs.ts';
import { record } from './acceptance/record.ts';

const USAGE = `usage: npm run acceptance -- openstack [--hosts N] [--instances N] [--only REGEX] [--keep]
  --hosts N       hosts of the cloud; all but the last one are drained in the maintenance (4)
  --instances N   instances that are on them (30)
  --only REGEX    the checks whose name it matches (all)
  --keep          keep the folder with the logs
  --record        write the result into docs/openstack.md
`;

interface Request {
  readonly hosts: number;
  readonly instances: number;
  readonly only: RegExp;
  readonly keep: boolean;
  readonly record: boolean;
}

function readRequest(args: readonly string[]): Request | null {
  const options = {
    hosts: { type: 'string', default: '4' },
    instances: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [hosts, instances] = [Number(values.hosts), Number(values.instances)];
    const isGood = Number.isInteger(hosts) && hosts >= 3 && hosts <= 9 && Number.isInteger(instances) && instances >= 2;
    if (positionals.join() !== 'openstack' || !isGood) return null;
    return { hosts, instances, only: new RegExp(values.only), keep: values.keep, record: values.record };
  } catch {
    return null;
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** A line about what goes on meanwhile; the same one is not said twice. */
function openProgress(): (line: string) => void {
  let last = '';
  return (line) => {
    if (line !== last) process.stderr.write(`         ${line}\n`);
    last = line;
  };
}

/** Runs all of it. @returns true if all checks have passed */
async function accept(request: Request, signal: AbortSignal): Promise<boolean> {
  const { hosts: count, instances, only, keep } = request;
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-acceptance-'));
  after.defer(async () => {
    if (keep) say(`The logs are in ${folder}`);
    else await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const progress = openProgress();
  const startedAt = systemClock.monotonic();
  const seconds = (): number => Math.round((systemClock.monotonic() - startedAt) / 1000);
  const checks = new Checks(only, say, signal);
  const hosts = Array.from({ length: count }, (_, at) => `cmp${at + 1}`);
  const nova = await startNova({ folder, hosts, say: (line) => progress(`${seconds()} s: ${line}`) }, after, signal);
  const bmcs = await startBmcs(hosts, folder, after, signal);
  const clouds = cloudsOf(nova);
  const conductor = await startConductor(folder, clouds, after, signal);
  const used = `Nova speaks up to ${await nova.client.version()}: ${await versions()}`;
  say(`${used}; up after ${seconds()} s`);
  await nova.client.makeFlavor();
  const place = { address: conductor.address, tls: null, token: null };
  await withConductor(
    place,
    async (client) => {
      const site = new Site({ nova, conductor, client, hosts, bmcs }, signal);
      await enrol(site, Object.keys(clouds));
      const wiring = openCancellation([signal]);
      const wired = wireToPower(site, wiring.signal).catch(() => {});
      try {
        await checkAll(site, instances, progress, checks);
      } finally {
        wiring.abort(fail('CALL_ENDED', 'the checks are over'));
        wiring.end();
        await wired;
      }
    },
    { clock: systemClock, signal },
  );
  const [passed, failed] = [checks.count(true), checks.count(false)];
  const day = new Date(systemClock.now()).toISOString().slice(0, 10);
  const run = { day, versions: used, hosts: count, seconds: seconds(), passed, failed, checks: checks.done };
  if (request.record) await record(run);
  say(`After ${run.seconds} s:`);
  say(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

async function checkAll(
  site: Site,
  instances: number,
  progress: (line: string) => void,
  checks: Checks,
): Promise<void> {
  const pool = new Pool(site.nova, 'cmp1');
  await checkNotifications(site, pool, checks);
  await checkMoves(site, pool, checks);
  await checkKinds(site, pool, checks);
  await checkServices(site, checks);
  await checkFailures(site, pool, checks);
  await checkEarlyAborts(site, pool, checks);
  await checkAborts(site, pool, checks);
  await checkLateAborts(site, pool, checks);
  await checkKills(site, pool, checks);
  await checkBadInput(site, pool, checks);
  await pool.empty();
  await checkMaintenance(site, instances, progress, checks);
  await checkDisabledHost(site, checks);
  await checkEvacuation(site, checks);
}

const request = readRequest(process.argv.slice(2));
const missing = request === null ? USAGE : whatIsMissing();
if (request === null || missing !== null) {
  process.stderr.write(`${missing}\n`);
  process.exit(2);
}
const cancellation = openCancellation([]);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => cancellation.abort(fail('CALL_ENDED', `stopped by ${name}`)));
try {
  if (!(await accept(request, cancellation.signal))) process.exitCode = 1;
} catch (thrown) {
  process.stderr.write(`The acceptance has failed: ${asCountermandError(thrown).message}\n`);
  process.exitCode = cancellation.signal.aborted ? 130 : 1;
}
