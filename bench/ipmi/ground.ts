/** Where IPMI clients are measured: a fleet of real BMCs, a folder, and a meter. */
import { access, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { fail } from '../../src/core/errors.ts';
import { compile } from './compile.ts';
import { type Metered, runMetered } from './metered.ts';
import { type RealFleet, type RealFleetOptions, startRealFleet } from './real_fleet.ts';

/** In most fleets that are measured: as many as nine simulators have. */
export const BMCS = 1008;
/** Without these nothing can be measured; a table without powerman has only fewer rows. */
const NEEDED = ['ipmi_sim', 'setpriv', 'ipmitool', 'ipmipower'];

/** What a client is measured with. */
export interface Ground {
  readonly fleet: RealFleet;
  /** For the client's files. Removed at the end. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Runs a program and its arguments, with `environment` added to ours, and tells what it has cost. */
  run(words: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Metered>;
}

/**
 * Starts a fleet for `measure`, and ends everything after it. Rejects as `startRealFleet` and `measure` do.
 * @throws COMMAND_MISSING if a program that is needed is not installed
 */
export async function withGround<T>(
  options: Omit<RealFleetOptions, 'directory'>,
  measure: (ground: Ground) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  for (const command of NEEDED) await mustBeInstalled(command);
  await using after = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  after.defer(() => rm(root, { recursive: true, force: true }));
  const [directory, folder] = [join(root, 'fleet'), join(root, 'client')];
  for (const each of [directory, folder]) await mkdir(each);
  const meter = await compile('meter', root);
  const fleet = await startRealFleet({ ...options, directory }, systemClock, signal);
  after.defer(() => fleet.stop());
  const run: Ground['run'] = (words, environment = {}) => runMetered(meter, words, environment, signal);
  return await measure({ fleet, folder, signal, run });
}

async function mustBeInstalled(command: string): Promise<void> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const found = await Promise.allSettled(folders.map((folder) => access(join(folder, command))));
  if (found.some(({ status }) => status === 'fulfilled')) return;
  throw fail('COMMAND_MISSING', `${command} is not installed; scripts/install-bench-peers.sh says what is needed`);
}
