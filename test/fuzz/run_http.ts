/** `npm run fuzz -- --http`: 100,000 mutated inputs at the ports of conductors of its own, with TLS and without. `--count N --seed N` changes that. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChannelCredentials, createChannel, createClient } from 'nice-grpc';
import { ConductorServiceDefinition } from '../../src/gen/countermand/v1/conductor.ts';
import { fuzzHttp, type Target } from './http.ts';

const COMMAND = join(import.meta.dirname, '../../bin/countermand');
const STEP = 10_000;

interface Running {
  readonly process: ChildProcess;
  readonly grpc: Target;
  readonly http: Target;
}

const targetOf = (text: string): Target => {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
};

/** Starts a conductor and waits until it says where it listens. */
function start(data: string, more: readonly string[]): Promise<Running> {
  const ports = ['--listen', '127.0.0.1:0', '--http-listen', '127.0.0.1:0'];
  const child = spawn(COMMAND, ['serve', ...ports, '--data', data, '--log-level', 'error', ...more], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the conductor has ended with ${code}: ${said}`)));
    child.stdout?.on('data', (bytes: Buffer) => {
      said += bytes;
      const http = /HTTP on (\S+)/.exec(said)?.[1];
      const grpc = /conductor on ([^\s,]+)/.exec(said)?.[1];
      if (http && grpc) resolve({ process: child, http: targetOf(http), grpc: targetOf(grpc) });
    });
  });
}

/** The memory of a process in MB. */
const memoryOf = ({ pid }: ChildProcess): number =>
  Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);

/** Asks a conductor for its version over gRPC, and for its health over HTTP. */
function healthyClient({ grpc, http }: Running, ca: Buffer | null): () => Promise<void> {
  const credentials = ca === null ? ChannelCredentials.createInsecure() : ChannelCredentials.createSsl(ca);
  const client = createClient(ConductorServiceDefinition, createChannel(`${grpc.host}:${grpc.port}`, credentials));
  const healthz = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = {
        host: http.host,
        port: http.port,
        path: '/healthz',
        ca: ca ?? undefined,
        agent: false as const,
      };
      get(options, (response) => resolve(response.resume().statusCode ?? 0)).once('error', reject);
    });
  return async () => {
    await client.getVersion({});
    const status = ca === null ? (await fetch(`http://${http.host}:${http.port}/healthz`)).status : await healthz();
    if (status !== 200) throw new Error(`/healthz answers ${status}`);
  };
}

async function fuzz(name: string, count: number, seed: number, running: Running, ca: Buffer | null): Promise<void> {
  const healthy = healthyClient(running, ca);
  await healthy();
  const before = memoryOf(running.process);
  for (let sent = 0; sent < count; sent += STEP) {
    await fuzzHttp([running.grpc, running.http], Math.min(STEP, count - sent), seed + sent, healthy);
    console.log(
      `${name}: ${Math.min(sent + STEP, count)} inputs, ${memoryOf(running.process)} MB, ${before} MB before`,
    );
  }
}

/** Sends half of the inputs to the ports of a conductor that speaks plaintext, and half to one that speaks TLS. */
export async function runHttp(count: number, seed: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'countermand-fuzz-'));
  const running: Running[] = [];
  try {
    execFileSync(COMMAND, ['certificates', 'init', join(folder, 'tls'), '--host', '127.0.0.1'], { stdio: 'ignore' });
    const tls = (file: string): string => join(folder, 'tls', file);
    const plain = await start(join(folder, 'plain'), []);
    running.push(plain);
    const secure = await start(join(folder, 'secure'), [
      ...['--tls-certificate', tls('server.pem'), '--tls-key', tls('server.key')],
    ]);
    running.push(secure);
    await fuzz('plaintext', Math.ceil(count / 2), seed, plain, null);
    await fuzz('TLS', Math.floor(count / 2), seed, secure, readFileSync(tls('ca.pem')));
  } finally {
    for (const { process: child } of running) child.removeAllListeners('exit').kill('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  }
}
