/** A stored secret goes nowhere but where it was given for: changing the way to a BMC takes the secret again. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import test from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import { Refusal } from './client.ts';
import { openHouse } from './house.ts';

const INFO = {
  irmc_address: '127.9.9.9',
  irmc_username: 'admin',
  irmc_password: 'first-secret-1',
  irmc_snmp_version: 'v2c',
  irmc_snmp_community: 'second-secret-2',
};

/** Each would send a stored secret elsewhere, or in another way. */
const CHANGES: readonly (readonly [name: string, request: object, says: RegExp])[] = [
  ['the address', { setDriverInfo: { irmc_address: '127.9.9.8' } }, /^irmc_address would change/],
  ['the port', { setDriverInfo: { irmc_port: '80' } }, /^irmc_port would change/],
  ['the protocol', { setDriverInfo: { irmc_protocol: 'http' } }, /^irmc_protocol would change/],
  ['the method', { setDriverInfo: { irmc_auth_method: 'basic' } }, /^irmc_auth_method would change/],
  ['the verification', { setDriverInfo: { irmc_verify_ca: 'false' } }, /^irmc_verify_ca would change/],
  ['the user', { setDriverInfo: { irmc_username: 'other' } }, /^irmc_username would change/],
  ['what is removed', { removeDriverInfo: ['irmc_snmp_version'] }, /^irmc_snmp_version would change/],
  ['the zone', { zone: 'elsewhere' }, /^zone would change/],
  [
    'one secret of two',
    { setDriverInfo: { irmc_address: '127.9.9.8', irmc_password: 'first-secret-1' } },
    /the stored irmc_snmp_community would be sent there; give it again/,
  ],
];

test('what changes the way to a BMC needs its secrets again, and is accepted with them', async (t) => {
  const { client } = await openHouse(t, { here: true });
  await client.nodes.createNode({ name: 'n1', driver: 'irmc', driverInfo: INFO });
  const before = (await client.nodes.getNode({ node: 'n1' })).node;
  for (const [name, request, says] of CHANGES) {
    const error = await t.throwsAsync(
      client.nodes.updateNode({ node: 'n1', ...request }),
      { instanceOf: Refusal },
      name,
    );
    t.is((error as Refusal).code, 'DRIVER_INFO_INVALID', name);
    t.regex(error?.message ?? '', says, name);
    t.notRegex(error?.message ?? '', /secret-\d/);
  }
  t.deepEqual((await client.nodes.getNode({ node: 'n1' })).node?.driverInfo, before?.driverInfo);
  const again = { irmc_password: 'first-secret-1', irmc_snmp_community: 'second-secret-2' };
  const { node } = await client.nodes.updateNode({
    node: 'n1',
    setDriverInfo: { ...again, irmc_address: '127.9.9.8' },
  });
  t.is(node?.driverInfo.irmc_address, '127.9.9.8');
  // What sends nothing elsewhere needs no secret.
  await client.nodes.updateNode({ node: 'n1', name: 'n2', setLabels: { rack: '7' }, maintenance: true });
  await client.nodes.updateNode({ node: 'n2', setDriverInfo: { irmc_password: 'third-secret-3' } });
});

test('nothing is sent to an address that an editor names without the secret', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const listener = createSocket('udp4').bind(0, ownAddress());
  await once(listener, 'listening');
  t.teardown(() => listener.close());
  let heard = 0;
  listener.on('message', () => {
    heard += 1;
  });
  await client.nodes.createNode({
    name: 'n1',
    driver: 'ipmi',
    driverInfo: { ipmi_address: '127.9.9.9', ipmi_username: 'admin', ipmi_password: 'first-secret-1' },
  });
  const { address, port } = listener.address();
  await t.throwsAsync(
    client.nodes.updateNode({ node: 'n1', setDriverInfo: { ipmi_address: address, ipmi_port: String(port) } }),
    { instanceOf: Refusal },
  );
  for await (const _ of client.nodes.refreshNodes({ nodes: ['n1'] }));
  t.is(heard, 0);
});
