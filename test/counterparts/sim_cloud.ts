/** A pretended cloud that is reached without sockets, and how a client finds it. */
import { openClouds } from '../../src/compute/client.ts';
import type { Cloud } from '../../src/compute/cloud.ts';
import type { Clouds } from '../../src/compute/compute.ts';
import { type HttpRequest, NotReached, type Transport } from '../../src/compute/transport.ts';
import type { Chance } from '../../src/core/chance.ts';
import type { Clock } from '../../src/core/clock.ts';
import type { ComputeTimes } from '../../src/sim/compute/faults.ts';
import { makeCloud } from '../../src/sim/compute/make.ts';
import { answer } from '../../src/sim/compute/service.ts';

const ORIGIN = 'http://sim';

/** How a cloud is found; each may be said otherwise. */
export const CLOUD: Cloud = {
  name: 'default',
  login: {
    kind: 'password',
    url: `${ORIGIN}/identity/v3`,
    user: 'admin',
    userDomain: 'Default',
    project: 'service',
    projectDomain: 'Default',
    secret: () => 'the password',
  },
  endpoint: null,
  interface: 'public',
  region: 'RegionOne',
  timeoutMs: 30_000,
};

/** A pretended cloud with hosts of these names. */
export function openSimCloud(
  { clock, chance }: { readonly clock: Clock; readonly chance: Chance },
  hosts: readonly string[] = ['cmp1', 'cmp2', 'cmp3'],
  times: Partial<ComputeTimes> = {},
) {
  const user = {
    name: 'admin',
    password: 'the password',
    credentialId: 'abc',
    credentialSecret: 'the credential',
    admin: true,
  };
  const made = makeCloud({ clock, chance, user, times });
  for (const host of hosts) made.cloud.addHost(host);
  const asked: HttpRequest[] = [];
  /** What is in the way: an error, or a wait that never ends. */
  const way: { broken: Error | 'silent' | null } = { broken: null };
  const transport: Transport = async (request) => {
    asked.push(request);
    if (way.broken === 'silent') await new Promise(() => {});
    if (way.broken instanceof Error) throw way.broken;
    const { method, url, headers, body: text } = request;
    const body = text === null ? undefined : JSON.parse(text);
    const given = answer({ method, path: url.slice(ORIGIN.length), headers, body }, ORIGIN, made, made.traits);
    if (given === null) throw new Error('other side closed');
    const sent = given.body === undefined ? '' : JSON.stringify(given.body);
    return { status: given.status, headers: given.headers ?? {}, body: sent };
  };
  return { ...made, user, transport, asked, way };
}

/** The client of a pretended cloud. */
export function cloudsOf(transport: Transport, clock: Clock, cloud: Partial<Cloud> = {}): Clouds {
  return openClouds([{ ...CLOUD, ...cloud }], () => transport, clock);
}

export { NotReached };
