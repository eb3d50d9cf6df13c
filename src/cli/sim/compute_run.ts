/** One run of `countermand sim compute`, from the first request to the last. */
import { onAbort } from '../../core/signals.ts';
import { makeCloud } from '../../sim/compute/make.ts';
import { listenToCloud } from '../../sim/compute/web_server.ts';
import { openOutput } from '../shared/output.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { ComputeSettings } from './compute_flags.ts';

/** Pretends a cloud until the terminal's signal is aborted. @throws LISTEN_FAILED */
export async function runSimCompute(settings: ComputeSettings, json: boolean, terminal: Terminal): Promise<void> {
  const { clock, chance, signal, stdout } = terminal;
  const { address, port, username: name, password, admin } = settings;
  terminal.becomeDaemon(() => {});
  const user = { name, password, credentialId: 'countermand', credentialSecret: password, admin };
  const made = makeCloud({ clock, chance, user, times: settings.times });
  if (settings.tokenMs !== null) made.keystone.tokenMs = settings.tokenMs;
  fill(made.cloud, settings);
  const traits = { version: settings.version, unavailable: settings.unavailable };
  const server = await listenToCloud(made, traits, { address, port });
  const origin = `http://${address.includes(':') ? `[${address}]` : address}:${server.port}`;
  const clouds = cloudsFile(origin, settings);
  if (json) stdout.write(`${JSON.stringify({ origin, clouds, hosts: [...made.cloud.hosts.keys()] })}\n`);
  openOutput(json, stdout).say(clouds.trimEnd());
  terminal.started();
  await new Promise<void>((resolve) => onAbort(signal, () => resolve()));
  await server.close();
}

type Cloud = ReturnType<typeof makeCloud>['cloud'];

function fill(cloud: Cloud, { hosts, instances, stopped, capacity, faulty, faults, dead }: ComputeSettings): void {
  const names = Array.from({ length: hosts }, (_, index) => `cmp${index + 1}`);
  for (const name of names) cloud.addHost(name, capacity);
  for (let number = 1; number <= instances; number += 1) {
    const host = names[(number - 1) % hosts] as string;
    const { uuid } = cloud.addInstance(`vm${number}`, host, stopped.has(number) ? 'stopped' : 'active');
    if (faulty.has(number)) cloud.faults.set(uuid, faults);
  }
  for (const number of dead) cloud.killHost(`cmp${number}`);
}

/** The file by which a conductor finds the cloud. A password that the user chose is not shown. */
function cloudsFile(origin: string, { username, password, passwordIsSecret }: ComputeSettings): string {
  const secret = passwordIsSecret ? 'password_file: PATH' : `password: ${password}`;
  return `clouds:
  default:
    auth:
      auth_url: ${origin}/identity/v3
      username: ${username}
      project_name: service
      ${secret}
    region_name: RegionOne
`;
}
