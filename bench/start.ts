/**
 * What does it cost to start the command? Processor time and peak memory, beside an empty Node and an empty Python in the
 * same run, beside the same command run from its sources without V8's compile cache, and beside clients of others where they are
 * installed. *Installed* is the package that `npm pack` makes, as npm installs it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentWith, startConductorProcess } from '../scripts/demo/conductor_process.ts';
import { install, pack } from '../scripts/package/pack.ts';
import { grid, quantile } from './figures.ts';
import { type Fleet, withFleet } from './fleet.ts';
import { compile } from './ipmi/compile.ts';
import { runMetered } from './ipmi/metered.ts';
import { cpuMsOf, peakMemoryMbOf } from './ipmi/processes.ts';

const NODES = 260;
const TIMES = 20;
const SERVE_TIMES = 5;
const BIN = fileURLToPath(new URL('../bin/countermand', import.meta.url));
const SOURCES = [process.execPath, fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))];

/** What one start has cost. */
interface Cost {
  readonly cpuMs: number;
  readonly memoryMb: number;
}

/** The table. */
export async function start(signal: AbortSignal): Promise<string> {
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const meter = await compile('meter', folder);
  const measure = async (words: readonly string[], environment: Readonly<Record<string, string>>): Promise<Cost> => {
    const ended = await runMetered(meter, words, environment, signal);
    if (ended.exitCode !== 0) throw new Error(`${words.join(' ')} ended with ${ended.exitCode}: ${ended.stderr}`);
    return ended;
  };
  const { bin } = await install(await pack(folder), folder);
  const installed: Start = { bin, environment: { XDG_CACHE_HOME: join(folder, 'compiled') } };
  const rows = await withFleet<Row[]>(
    ['--sync-power-state-interval', '0'],
    async (fleet) => [
      ...(await ends(fleet, installed, measure)),
      ['serve, until it takes orders', await serves(folder, signal)],
    ],
    signal,
  );
  const peer = quantile(
    rows.flatMap(([what, costs]) => (what === EMPTY_NODE ? costs.map(({ cpuMs }) => cpuMs) : [])),
    0.5,
  );
  return grid(['', 'n', 'CPU, median', 'CPU, max', 'memory, max', 'beside an empty Node'], rows.map(cellsOf(peer)));
}

type Row = readonly [what: string, costs: readonly Cost[]];

const EMPTY_NODE = "peer: node -e ''";

/** A command, and what its environment has beside the conductor. */
interface Start {
  readonly bin: string;
  readonly environment: Record<string, string>;
}

/** Clients of others that a user would start beside ours: each asks for something that needs no server. */
const PEERS: readonly (readonly string[])[] = [
  ['kubectl', 'version', '--client'],
  ['openstack', '--version'],
  ['ipmitool', '-V'],
  ['/usr/sbin/ipmipower', '--version'],
];

/** The peers that are installed here. */
function peersHere(): [what: string, words: readonly string[]][] {
  const here = PEERS.filter(([program = '', ...words]) => spawnSync(program, words).status === 0);
  return here.map((words) => [`peer: ${words.join(' ')}`, words]);
}

/** Commands that end, in turns, so that a busy moment hits all of them. */
async function ends(
  fleet: Fleet,
  { bin, environment: installed }: Start,
  measure: (words: readonly string[], environment: Readonly<Record<string, string>>) => Promise<Cost>,
): Promise<Row[]> {
  await fleet.enrolFake(NODES);
  const without = { NODE_DISABLE_COMPILE_CACHE: '1' };
  const commands: readonly (readonly [what: string, words: readonly string[], more?: Record<string, string>])[] = [
    [EMPTY_NODE, [process.execPath, '-e', '']],
    ['peer: python3 -c pass', ['python3', '-c', 'pass']],
    ...peersHere(),
    ['--version', [BIN, '--version']],
    ['--version, installed', [bin, '--version'], installed],
    ['--version, from the sources', [...SOURCES, '--version'], without],
    ['--help', [BIN, '--help']],
    [`node list, ${NODES} nodes`, [BIN, 'node', 'list']],
    [`node list, ${NODES} nodes, installed`, [bin, 'node', 'list'], installed],
    [`node list, ${NODES} nodes, from the sources`, [...SOURCES, 'node', 'list'], without],
  ];
  const rows = commands.map(([what]): [string, Cost[]] => [what, []]);
  for (let turn = 0; turn <= TIMES; turn += 1)
    for (const [index, [, words, more = {}]] of commands.entries()) {
      const cost = await measure(words, { COUNTERMAND_CONDUCTOR: fleet.address, ...more });
      // The first turn fills the compile cache.
      if (turn > 0) rows[index]?.[1].push(cost);
    }
  return rows;
}

async function serves(folder: string, signal: AbortSignal): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (let turn = 0; turn <= SERVE_TIMES; turn += 1) {
    const flags = ['--data', join(folder, `data${turn}`)];
    const { pid, stop } = await startConductorProcess(flags, environmentWith({}), signal);
    const cost = { cpuMs: await cpuMsOf([pid]), memoryMb: await peakMemoryMbOf([pid]) };
    if (turn > 0) costs.push(cost);
    await stop();
  }
  return costs;
}

const cellsOf =
  (peerMs: number) =>
  ([what, costs]: Row): string[] => {
    const cpu = costs.map(({ cpuMs }) => cpuMs);
    const memory = Math.max(...costs.map(({ memoryMb }) => memoryMb));
    const figures = [quantile(cpu, 0.5), quantile(cpu, 1)].map((ms) => `${ms.toFixed(0)} ms`);
    const ratio = `${(quantile(cpu, 0.5) / peerMs).toFixed(1)} x`;
    return [what, String(costs.length), ...figures, `${memory.toFixed(0)} MB`, ratio];
  };
