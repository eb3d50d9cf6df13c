/** A fleet of simulated Redfish services over https, in a process of its own, and what clients are measured with. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compile } from '../ipmi/compile.ts';
import { type Metered, runMetered } from '../ipmi/metered.ts';

/** What the services are told: how many of them hang. */
export interface Asked {
  readonly hung: number;
}

/** What they say: where they are, and then how many connections were opened so far. */
export type Said = { readonly places: readonly string[] } | { readonly connections: number };

/** The fleet. */
export interface RedfishGround {
  /** Address and port of each; those that hang come first. */
  readonly places: readonly string[];
  readonly username: string;
  readonly password: string;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Lets the first `hung` hang, and the others be well. @returns how many connections were opened so far */
  set(hung: number): Promise<number>;
  /** Runs a program, with `input` in a file that it is given as its last argument, and tells what it has cost. */
  run(words: readonly string[]): Promise<Metered>;
}

/** Python's requests prefers these to being told not to verify. */
const NO_BUNDLES = { REQUESTS_CA_BUNDLE: '', CURL_CA_BUNDLE: '' };

const SERVICES = fileURLToPath(new URL('./services.ts', import.meta.url));

/** Starts `count` services for `measure`, and ends all after it. @throws COMMAND_MISSING without a compiler for the meter */
export async function withServices<T>(
  count: number,
  measure: (ground: RedfishGround) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  await using after = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  after.defer(() => rm(folder, { recursive: true, force: true }));
  const meter = await compile('meter', folder);
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=bmc'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, '-days', '2']);
  const child = fork(SERVICES, [String(count), key, cert], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  after.defer(() => void child.disconnect());
  const { places } = (await next(child)) as { readonly places: readonly string[] };
  const set = async (hung: number): Promise<number> => {
    const answer = next(child);
    child.send({ hung } satisfies Asked);
    return ((await answer) as { readonly connections: number }).connections;
  };
  const run = (words: readonly string[]): Promise<Metered> => runMetered(meter, words, NO_BUNDLES, signal);
  return await measure({ places, username: 'admin', password: 'secret', folder, signal, set, run });
}

async function next(child: ChildProcess): Promise<Said> {
  const [said] = await once(child, 'message');
  return said;
}
