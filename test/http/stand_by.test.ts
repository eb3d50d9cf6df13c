/** The HTTP door of a conductor that stands by: who leads is told, and nothing is served. */
import test from 'ava';
import { fail } from '../../src/core/errors.ts';
import { openDoor } from '../../src/http/door.ts';
import { Front } from '../../src/server/api/front.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { World } from '../world/world.ts';

test('clients are sent to the one that leads, probes are answered, and while none leads all is refused', async (t) => {
  const world = await World.open(t, { limits: { syncPowerStateIntervalMs: 0 } });
  const { clock, chance } = world;
  const error = fail('NOT_LEADING', 'this one stands by');
  const front = new Front({ clock, chance, log: world.conductor.log }, { error, grpc: null, http: null });
  const place = {
    address: `${ownAddress()}:0`,
    tls: null,
    onLoopback: true,
    openFilesLimit: 100,
    streamReadTimeoutMs: 300_000,
  };
  const door = await openDoor(front.services, place);
  t.teardown(() => door.close());
  const ask = (path: string) => fetch(`http://${door.address}${path}`, { redirect: 'manual' });

  const refused = await ask('/v1/nodes');
  t.is(refused.status, 503);
  t.is(refused.headers.get('countermand-error-code'), 'NOT_LEADING');
  t.is((await ask('/healthz')).status, 200);
  t.is((await ask('/readyz')).status, 503);

  front.standBy({ error, grpc: 'a:7077', http: 'a:7078' });
  for (const path of ['/v1/nodes?limit=2', '/countermand.v1.NodeService/ListNodes', '/console']) {
    const sent = await ask(path);
    t.is(sent.status, 307);
    t.is(sent.headers.get('location'), `http://a:7078${path}`);
  }
  t.is((await ask('/healthz')).status, 200);
  t.is((await ask('/readyz')).status, 503);
});
