/** Many simulated iRMCs in one process, and the door of each. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'ava';
import { systemChance } from '../../src/core/chance.ts';
import { Door } from '../../src/sim/irmc/door.ts';
import { listenIrmcs } from '../../src/sim/irmc/fleet.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { askWithIpmitool } from '../counterparts/ipmitool.ts';
import { IRMC_LOGIN, makeSimIrmc } from '../counterparts/sim_irmc.ts';

const ANY = { web: 0, snmp: 0, ipmi: 0 };

test('each has ports and a server of its own', async (t) => {
  const irmcs = Array.from({ length: 50 }, () => makeSimIrmc());
  const fleet = await listenIrmcs(irmcs, { address: ownAddress(), firstPorts: ANY, tls: null });
  t.teardown(() => fleet.stop());
  const ports = fleet.irmcs.map((each) => each.ports);
  t.is(new Set(ports.map(({ web }) => web)).size, 50);
  t.is(new Set(ports.flatMap(({ snmp, ipmi }) => [snmp, ipmi])).size, 100);
  irmcs[7]?.receiveScci('<CMDSEQ><CMD Context="SCCI" OC="0112" Type="SET"/></CMDSEQ>');
  t.deepEqual(
    irmcs.flatMap(({ host }, at) => (host.power === 'power off' ? [at] : [])),
    [7],
  );
  const [, , , , , , , off] = fleet.irmcs;
  if (off === undefined) throw new Error('there is no eighth');
  const { irmc, address, ports: where } = off;
  t.is(
    await askWithIpmitool(
      { irmc, address, ports: where, listening: off, info: {}, logins: () => 0 },
      'power',
      'status',
    ),
    'Chassis Power is off',
  );
});

test('ports follow each other; a port in use is refused, and then none is left', async (t) => {
  const address = ownAddress();
  // Below those that systems give to whoever asks for any: a process that listens on all addresses may have one of these.
  const port = 20_002;
  const taken = createServer().listen({ host: address, port });
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const irmcs = [makeSimIrmc(), makeSimIrmc(), makeSimIrmc()];
  const firstPorts = { ...ANY, web: port - 2 };
  const listening = () => listenIrmcs(irmcs, { address, firstPorts, tls: null });
  await t.throwsAsync(listening(), {
    code: 'LISTEN_FAILED',
    message: new RegExp(`${address}:${port}: another process`),
  });
  taken.close();
  await once(taken, 'close');
  const fleet = await listening();
  t.teardown(() => fleet.stop());
  t.deepEqual(
    fleet.irmcs.map(({ ports }) => ports.web),
    [port - 2, port - 1, port],
  );
});

test('a Digest is good once, for one place and one method', (t) => {
  const door = new Door({ ...IRMC_LOGIN, methods: ['digest'] }, systemChance);
  const [challenge = ''] = door.challenges();
  const nonce = /nonce="(\w+)"/.exec(challenge)?.[1] ?? '';
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const digest = (count: string, password = 'secret', qop = 'auth'): string => {
    const response = md5(`${md5(`admin:iRMC:${password}`)}:${nonce}:${count}:abc:${qop}:${md5('POST:/config')}`);
    const values = `username="admin", realm="iRMC", nonce="${nonce}", uri="/config", cnonce="abc", nc=${count}`;
    return `Digest ${values}, qop=${qop}, response="${response}"`;
  };
  t.false(door.lets(digest('00000001', 'wrong'), 'POST', '/config'));
  t.false(door.lets(digest('00000001', 'secret', 'auth-int'), 'POST', '/config'));
  t.false(door.lets(digest('00000001'), 'GET', '/config'));
  t.false(door.lets(digest('00000001'), 'POST', '/redfish'));
  t.true(door.lets(digest('00000001'), 'POST', '/config'));
  t.false(door.lets(digest('00000001'), 'POST', '/config'));
  t.true(door.lets(digest('00000002'), 'POST', '/config'));
  for (let others = 0; others < 1000; others += 1) door.challenges();
  t.false(door.lets(digest('00000003'), 'POST', '/config'));
});
