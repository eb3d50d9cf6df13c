/** An agent reaches what its configuration names, and uses a secret where it may be used: looked at with the address that a name has. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { BmcAccess, isPlace } from '../../src/agent/bmc_access.ts';
import { readBmcAccess } from '../../src/cli/daemon/bmc_access.ts';
import { systemClock } from '../../src/core/clock.ts';
import { bindInfo } from '../../src/drivers/bounds.ts';
import { createRedfishDriver } from '../../src/drivers/redfish/driver.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { never } from '../counterparts/signals.ts';
import { openHouse } from '../e2e/house.ts';
import { enrol, nodeNow, order, untilAtRest } from '../e2e/orders.ts';
import { refused } from '../e2e/refusals.ts';

const WAY = { driver: 'redfish', host: '10.7.1.9', references: [], dangers: [] };

test('which places there are', (t) => {
  for (const place of ['10.7.0.0/16', '10.7.1.9', 'fd00::/8', '::1', 'bmc7', 'bmc7.rack.example', '*.rack.example'])
    t.true(isPlace(place), place);
  for (const place of ['', '10.7.0.0/33', 'fd00::/129', '10.7/16', 'a b', '*', 'rack.*', '10.0.0.0/8/8', '10.0.0.0/x'])
    t.false(isPlace(place), place);
});

test('networks: by the address that the name has, whatever the name is', (t) => {
  const access = new BmcAccess({ networks: ['10.7.0.0/16', 'fd00:7::/32', 'bmc.example', '*.rack7.example'] });
  const at = (host: string, address = host) => access.objectionTo({ ...WAY, host })(address)?.message ?? null;
  for (const [host, address] of [
    ['10.7.255.255'],
    ['fd00:7::9'],
    ['bmc.example', '192.0.2.1'],
    ['a.rack7.example', '::1'],
  ])
    t.is(at(host ?? '', address), null, host);
  for (const [host, address] of [
    ['10.8.0.0'],
    ['fd00:8::9'],
    ['other', '10.8.0.1'],
    ['rack7.example', '10.8.0.1'],
    ['xbmc.example', '::1'],
  ])
    t.regex(
      at(host ?? '', address) ?? '',
      /^bmc_access of the agent does not let it reach .*: it is in none of the networks/,
    );
  t.is(at('anything', '10.7.0.1'), null);
});

test('a secret is used where one rule has it, the driver and the address', (t) => {
  const rules = [
    { addresses: ['10.7.1.0/24'], drivers: ['ipmi'], secrets: ['file:rack7/*', 'env:COUNTERMAND_SECRET_R7'] },
    { addresses: ['10.7.2.0/24'], secrets: ['file:rack8/bmc'] },
  ];
  const access = new BmcAccess({ rules });
  const may = (driver: string, address: string, ...references: string[]) =>
    access.objectionTo({ ...WAY, driver, host: address, references })(address) === null;
  t.true(may('ipmi', '10.7.1.9', 'file:rack7/bmc', 'env:COUNTERMAND_SECRET_R7'));
  t.true(may('redfish', '10.7.2.9', 'file:rack8/bmc'));
  t.true(may('redfish', '10.9.9.9'), 'no reference, so nothing stays beside the agent');
  t.false(may('redfish', '10.7.1.9', 'file:rack7/bmc'), 'another driver');
  t.false(may('ipmi', '10.7.2.9', 'file:rack7/bmc'), 'another address');
  t.false(may('ipmi', '10.7.1.9', 'file:rack7/bmc', 'file:rack8/bmc'), 'one of two');
  t.false(may('ipmi', '10.7.1.9', 'file:rack7/../rack8/bmc'), 'a path that leads out of the pattern');
  t.false(may('ipmi', '10.7.1.9', 'env:COUNTERMAND_SECRET_R7_TOO'), 'more than the pattern');
});

test('http, basic over http and unverified certificates are allowed one by one', (t) => {
  const allow = ['http', 'unverified_certificates'] as const;
  const access = new BmcAccess({ rules: [{ addresses: ['10.7.1.0/24'], allow }] });
  const says = (address: string, ...dangers: ('http' | 'basic_over_http' | 'unverified_certificates')[]) =>
    access.objectionTo({ ...WAY, host: address, dangers })(address)?.message ?? null;
  t.is(says('10.7.1.9', 'http'), null);
  t.is(says('10.7.1.9', 'unverified_certificates'), null);
  t.regex(
    says('10.7.1.9', 'http', 'basic_over_http') ?? '',
    /send a password by basic over http at 10.7.1.9: no rule allows/,
  );
  t.regex(says('10.7.2.9', 'unverified_certificates') ?? '', /accept a certificate that is not verified at 10.7.2.9/);
});

test('a name that leads to another address after it was looked at is refused before a byte is sent', async (t) => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  const address = ownAddress();
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const answers = ['203.0.113.7', address];
  const resolver = async () => [answers.shift() ?? address];
  const driver = createRedfishDriver({ clock: systemClock, resolver });
  t.teardown(() => driver.close());
  const bmc = driver.parse({
    redfish_address: `https://bmc.example:${port}`,
    redfish_username: 'u',
    redfish_password: 'p',
  });
  const access = new BmcAccess({ networks: ['203.0.113.0/24'] });
  bindInfo(bmc.info as object, access.objectionTo({ ...WAY, host: 'bmc.example' }));
  t.regex(await driver.locate(bmc, 'anew', never()), /^203\.0\.113\.7:/);
  const says = new RegExp(`may not|does not let it reach bmc.example \\(${address}\\)`);
  await t.throwsAsync(driver.setPowerState(bmc, 'power off', never()), { code: 'BMC_OUT_OF_BOUNDS', message: says });
  await t.throwsAsync(driver.getPowerState(bmc, never()), { code: 'BMC_OUT_OF_BOUNDS' });
  t.is(connections, 0);
});

test('a file that is none is refused, with the place in it', async (t) => {
  const path = join(await newFolder(t), 'bmc_access.yaml');
  const read = (text: string) => {
    writeFileSync(path, text);
    return readBmcAccess(path);
  };
  t.is(readBmcAccess(null), null);
  t.truthy(
    read(
      'networks: [10.7.0.0/16]\nrules: [{addresses: ["*.example"], drivers: [ipmi], secrets: ["env:*"], allow: [http]}]',
    ),
  );
  t.truthy(read(''));
  for (const [text, says] of [
    ['networks: [10.7.0.0/99]', /bmc_access.yaml: networks\[0\]: must be an address, a network such as/],
    ['rules: [{secrets: ["file:a"]}]', /rules\[0\].addresses: is missing/],
    ['rules: [{addresses: [10.0.0.1], secrets: [plain]}]', /rules\[0\].secrets\[0\]: must be a reference such as/],
    ['rules: [{addresses: [10.0.0.1], allow: [telnet]}]', /rules\[0\].allow\[0\]: must be http, basic_over_http/],
    ['network: []', /network/],
  ] as const)
    t.regex(t.throws(() => read(text), { code: 'CONFIGURATION_INVALID' })?.message ?? '', says, text);
});

test('a conductor learns why: at the enrolment, and at an order to a node that leads elsewhere', async (t) => {
  const folder = await newFolder(t);
  const good = infoOf(await newIpmiSim(t, { password: 'stays-here' }));
  const file = join(folder, 'bmc_access.yaml');
  const rule = { addresses: [good.ipmi_address], secrets: ['env:COUNTERMAND_SECRET_BMC'] };
  writeFileSync(file, JSON.stringify({ networks: [good.ipmi_address, '127.99.99.99'], rules: [rule] }));
  const variables = { COUNTERMAND_SECRET_BMC: 'stays-here', COUNTERMAND_SECRET_OTHER: 'stays-too' };
  const { client } = await openHouse(t, { here: true, settings: { bmc_access: file }, variables });
  const secret = { ipmi_password: 'env:COUNTERMAND_SECRET_BMC' };
  await enrol(client, 'good', 'ipmi', { ...good, ...secret });
  t.is((await nodeNow(client, 'good')).powerState, 'ON');
  t.like(await untilAtRest(order(client, 'good', 'OFF')), { state: 'SUCCEEDED' });
  const create = (driverInfo: Record<string, string>) =>
    client.nodes.createNode({ name: 'n', driver: 'ipmi', driverInfo: { ...good, ipmi_port: '1', ...driverInfo } });
  const out = { status: 'FAILED_PRECONDITION', code: 'BMC_OUT_OF_BOUNDS' } as const;
  const network = /does not let it reach 127\.\S+: it is in none of the networks; nothing was sent/;
  await refused(t, create({ ipmi_address: '127.99.0.1' }), { ...out, says: network });
  const bound =
    /does not let it use env:COUNTERMAND_SECRET_BMC with the driver ipmi at 127.99.99.99: no rule allows it/;
  await refused(t, create({ ipmi_address: '127.99.99.99', ...secret }), { ...out, says: bound });
  const another = /does not let it use env:COUNTERMAND_SECRET_OTHER with the driver ipmi/;
  await refused(t, create({ ipmi_password: 'env:COUNTERMAND_SECRET_OTHER' }), { ...out, says: another });
  // A name is looked at when it is looked up.
  const named = { ipmi_address: 'localhost', ipmi_port: '1' };
  await client.nodes.createNode({ name: 'named', driver: 'ipmi', driverInfo: named });
  const task = await untilAtRest(order(client, 'named', 'OFF'));
  t.like(task, { state: 'FAILED', errorCode: 'BMC_OUT_OF_BOUNDS' });
  t.regex(task.errorMessage ?? '', /does not let it reach localhost \(\S+\): it is in none of the networks/);
});
