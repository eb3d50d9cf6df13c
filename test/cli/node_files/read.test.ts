/** Files of nodes, in our own form and in those of others: what is mapped, what is ignored, and what is refused with its place. */
import test from 'ava';
import { csvOf, parseCsv } from '../../../src/cli/node_files/csv.ts';
import { type Format, nodesOf, refuseFaults } from '../../../src/cli/node_files/read.ts';

/** What a text says, without places. */
function said(text: string | object, format: Format = 'yaml') {
  const { nodes, notes } = nodesOf(typeof text === 'string' ? text : JSON.stringify(text), 'f', format);
  return {
    nodes: nodes.map(({ place: _, ...node }) => JSON.parse(JSON.stringify(node))),
    ignored: notes.ignored,
    faults: notes.faults,
  };
}

const IPMI = { ipmi_address: '10.0.7.1', ipmi_username: 'admin', ipmi_password: 'secret' };

test('our own form, in YAML: words stay as they are written', (t) => {
  const { nodes, faults } = said(`
- name: r7n1
  driver: ipmi
  driver_info: {ipmi_address: 10.0.7.1, ipmi_port: 0623, ipmi_password: 007}
  labels: {rack: 07, on: on}
  maintenance: true
  maintenance_reason: new
- {name: r7n2, uuid: 11111111-2222-4333-8444-555555555555, driver: fake, zone: north, driver_info: {fake_address: a}}`);
  t.deepEqual(faults, []);
  t.deepEqual(nodes, [
    {
      name: 'r7n1',
      uuid: '',
      driver: 'ipmi',
      driverInfo: { ipmi_address: '10.0.7.1', ipmi_port: '0623', ipmi_password: '007' },
      labels: { rack: '07', on: 'on' },
      maintenance: true,
      maintenanceReason: 'new',
    },
    {
      name: 'r7n2',
      uuid: '11111111-2222-4333-8444-555555555555',
      driver: 'fake',
      driverInfo: { fake_address: 'a' },
      zone: 'north',
      labels: {},
    },
  ]);
});

test('JSON: a list, nodes with a list, one node, and an object on each line', (t) => {
  const node = { name: 'a', driver: 'ipmi', driver_info: { ...IPMI, ipmi_port: 623 }, labels: { rack: 7 } };
  const one = said([node]).nodes;
  t.like(one[0], { driverInfo: { ...IPMI, ipmi_port: '623' }, labels: { rack: '7' } });
  t.deepEqual(said({ nodes: [node] }).nodes, one);
  t.deepEqual(said(node).nodes, one);
  t.deepEqual(said(`${JSON.stringify(node)}\n${JSON.stringify({ ...node, name: 'b' })}\n`).nodes, [
    one[0],
    { ...one[0], name: 'b' },
  ]);
});

test('a table: quotes, commas and empty fields; a key of the driver needs no driver_info before it', (t) => {
  const { nodes, faults } = said(
    '\uFEFFname,driver,ipmi_address,driver_info.ipmi_password,labels.rack,redfish_address,maintenance\r\n' +
      'a,ipmi,10.0.7.1,"se,""cret ",7,,true\r\n\r\nb,redfish,,,,https://b,\r\n',
    'csv',
  );
  t.deepEqual(faults, []);
  t.like(nodes[0], {
    name: 'a',
    driverInfo: { ipmi_address: '10.0.7.1', ipmi_password: 'se,"cret ' },
    labels: { rack: '7' },
    maintenance: true,
  });
  t.like(nodes[1], { name: 'b', driverInfo: { redfish_address: 'https://b' }, labels: {} });
});

test('a table is read as it was written', (t) => {
  const rows = [
    ['a', 'b,c', 'd"e'],
    ['', ' x ', 'two\nlines'],
    ['1', '2', '3'],
  ];
  t.deepEqual(
    parseCsv(csvOf(rows)).map(({ fields }) => fields),
    rows,
  );
  t.deepEqual(
    parseCsv(csvOf(rows)).map(({ line }) => line),
    [1, 2, 4],
  );
  t.throws(() => parseCsv('a\nb,"c'), { message: /^line 2: a quote is not closed/ });
  t.throws(() => parseCsv('a"b'), { message: /^line 1: a quote/ });
});

test('what openstack baremetal node list --long -f json prints', (t) => {
  const { nodes, ignored, faults } = said([
    {
      UUID: '11111111-2222-4333-8444-555555555555',
      Name: 'r7n1',
      'Instance UUID': null,
      'Power State': 'power on',
      'Provisioning State': 'available',
      Maintenance: false,
      Driver: 'ipmi',
      'Driver Info': { ...IPMI, deploy_kernel: 'file:///k', ipmi_terminal_port: 9000, ipmi_protocol_version: '2.0' },
      Extra: { rack: '7' },
      'Conductor Group': 'north',
      Properties: { cpus: 8 },
      'Current RAID configuration': {},
      'Resource Class': 'baremetal',
    },
  ]);
  t.deepEqual(faults, []);
  t.deepEqual(nodes, [
    {
      name: 'r7n1',
      uuid: '11111111-2222-4333-8444-555555555555',
      driver: 'ipmi',
      driverInfo: IPMI,
      zone: 'north',
      labels: { rack: '7' },
      maintenance: false,
    },
  ]);
  t.is(
    ignored,
    'current_raid_configuration, driver_info.deploy_kernel, driver_info.ipmi_protocol_version, driver_info.ipmi_terminal_port, power_state, properties, provisioning_state, resource_class'.replace(
      'power_state',
      'instance_uuid, power_state',
    ),
  );
});

test('the nodes.json of openstack baremetal create: older drivers, an iDRAC by Redfish, and what stands beside', (t) => {
  const { nodes, ignored, faults } = said({
    chassis: [{ description: 'x' }],
    nodes: [
      {
        name: 'a',
        driver: 'agent_ipmitool',
        driver_info: IPMI,
        ports: [{ address: '52:54:00:00:00:01' }],
        properties: {},
      },
      {
        name: 'b',
        driver: 'idrac',
        driver_info: { redfish_address: 'https://b', redfish_username: 'u', redfish_password: 'p' },
      },
      { name: 'c', driver: 'fake-hardware', driver_info: { fake_address: 'c' } },
    ],
  });
  t.deepEqual(faults, []);
  t.deepEqual(
    nodes.map(({ driver }) => driver),
    ['ipmi', 'redfish', 'fake'],
  );
  t.is(ignored, 'chassis, ports, properties');
});

test("TripleO's instackenv.json", (t) => {
  const { nodes, ignored, faults } = said({
    'ssh-user': 'stack',
    nodes: [
      {
        name: 'a',
        pm_type: 'pxe_ipmitool',
        pm_addr: '10.0.7.1',
        pm_user: 'admin',
        pm_password: 'secret',
        pm_port: 6230,
        mac: ['x'],
        cpu: '2',
        arch: 'x86_64',
      },
      {
        name: 'b',
        pm_type: 'redfish',
        pm_addr: 'https://b',
        pm_user: 'u',
        pm_password: 'p',
        pm_system_id: '/redfish/v1/Systems/1',
        capabilities: 'profile:compute',
      },
      { name: 'c', pm_type: 'irmc', pm_addr: 'c', pm_user: 'u', pm_password: 'p', irmc_auth_method: 'digest' },
    ],
  });
  t.deepEqual(faults, []);
  t.deepEqual(
    nodes.map(({ driver, driverInfo }) => [driver, driverInfo]),
    [
      ['ipmi', { ...IPMI, ipmi_port: '6230' }],
      [
        'redfish',
        {
          redfish_address: 'https://b',
          redfish_username: 'u',
          redfish_password: 'p',
          redfish_system_id: '/redfish/v1/Systems/1',
        },
      ],
      ['irmc', { irmc_address: 'c', irmc_username: 'u', irmc_password: 'p', irmc_auth_method: 'digest' }],
    ],
  );
  t.is(ignored, 'arch, capabilities, cpu, mac, ssh-user');
});

test('machines of MAAS with their power parameters', (t) => {
  const common = {
    status: 4,
    zone: { id: 1, name: 'south' },
    pool: { name: 'default' },
    tag_names: [],
    power_state: 'on',
  };
  const power = { power_driver: 'LAN_2_0', power_address: '10.0.7.1', power_user: 'admin', power_pass: 'secret' };
  const ipmi = {
    ...power,
    cipher_suite_id: '17',
    privilege_level: 'ADMIN',
    k_g: '0xAB01',
    mac_address: '',
    workaround_flags: ['opensesspriv'],
  };
  const { nodes, ignored, faults } = said([
    { system_id: 'abc', hostname: 'a', power_type: 'ipmi', power_parameters: ipmi, ...common },
    {
      system_id: 'abd',
      hostname: 'b',
      power_type: 'redfish',
      power_parameters: '{"power_address": "b", "power_user": "u", "power_pass": "p", "node_id": "1"}',
    },
    { hostname: 'c', power_type: 'ipmi', power_parameters_power_address: '10.0.7.3', power_parameters_k_g: 'key' },
  ]);
  t.deepEqual(faults, []);
  t.deepEqual(
    nodes.map(({ name, driver, driverInfo, labels }) => [name, driver, driverInfo, labels]),
    [
      [
        'a',
        'ipmi',
        { ...IPMI, ipmi_cipher_suite: '17', ipmi_priv_level: 'ADMINISTRATOR', ipmi_hex_kg_key: 'ab01' },
        { zone: 'south' },
      ],
      [
        'b',
        'redfish',
        { redfish_address: 'b', redfish_username: 'u', redfish_password: 'p', redfish_system_id: '1' },
        {},
      ],
      ['c', 'ipmi', { ipmi_address: '10.0.7.3', ipmi_hex_kg_key: '6b6579' }, {}],
    ],
  );
  t.is(ignored, 'mac_address, power_state, status, tag_names, workaround_flags');
});

const FAULTS: readonly (readonly [title: string, text: string | object, fault: RegExp])[] = [
  [
    'a masked secret',
    [{ name: 'a', driver: 'ipmi', driver_info: { ipmi_password: '******' } }],
    /^nodes\[0\]\.driver_info\.ipmi_password: '\*{6}' stands for a secret, and is not/,
  ],
  [
    'a masked secret of TripleO',
    [{ name: 'a', pm_type: 'ipmi', pm_addr: 'x', pm_password: '***' }],
    /^nodes\[0\]\.ipmi_password: '\*\*\*' stands for/,
  ],
  [
    'a masked secret of MAAS',
    [{ hostname: 'a', power_type: 'redfish', power_parameters: { power_pass: '<hidden>' } }],
    /^nodes\[0\]\.power_parameters\.redfish_password: '<hidden>' stands for/,
  ],
  [
    'a key that is not known',
    [{ name: 'a', driver: 'fake', colour: 'red' }],
    /^nodes\[0\]\.colour: is a key that countermand does not know/,
  ],
  ['a key beside the nodes', { nodes: [], racks: [] }, /^f\.racks: is a key that countermand does not know/],
  ['no name', [{ driver: 'fake' }], /^nodes\[0\]: it has no name/],
  ['no driver', [{ name: 'a' }], /^nodes\[0\]: it has no driver/],
  [
    'a name that appears twice',
    [
      { name: 'a', driver: 'fake' },
      { name: 'a', driver: 'fake' },
    ],
    /^nodes\[1\]: 'a' is also at nodes\[0\]/,
  ],
  ['no node at all', ['a'], /^nodes\[0\]: must be KEY: VALUE pairs/],
  [
    'driver_info as text',
    [{ name: 'a', driver: 'ipmi', driver_info: "{'ipmi_address': 'x'}" }],
    /^nodes\[0\]\.driver_info: must be KEY: VALUE pairs/,
  ],
  [
    'a label that is a list',
    [{ name: 'a', driver: 'fake', labels: { rack: [7] } }],
    /^nodes\[0\]\.labels\.rack: must be text/,
  ],
  [
    'maintenance that is no flag',
    '- {name: a, driver: fake, maintenance: yes}',
    /^nodes\[0\]\.maintenance: must be true or false/,
  ],
  [
    'an iDRAC of TripleO',
    [{ name: 'a', pm_type: 'idrac', pm_addr: 'x' }],
    /^nodes\[0\]\.pm_type: 'idrac' has no driver here; an iDRAC has Redfish/,
  ],
  [
    'a pm_ key that is not known',
    [{ name: 'a', pm_type: 'ipmi', pm_addr: 'x', pm_x: '1' }],
    /^nodes\[0\]\.pm_x: is a key/,
  ],
  [
    'a machine without power parameters',
    [{ system_id: 'abc', hostname: 'a', power_type: 'ipmi' }],
    /^nodes\[0\]: it has no power_parameters.*power-parameters abc'/,
  ],
  [
    'a power type without a driver',
    [{ hostname: 'a', power_type: 'lxd', power_parameters: {} }],
    /^nodes\[0\]\.power_type: 'lxd' has no driver here/,
  ],
  [
    'IPMI 1.5',
    [{ hostname: 'a', power_type: 'ipmi', power_parameters: { power_driver: 'LAN' } }],
    /power_parameters\.power_driver: 'LAN' is not IPMI 2\.0/,
  ],
];
for (const [title, text, fault] of FAULTS)
  test(`refused with its place: ${title}`, (t) => {
    const { notes } = nodesOf(typeof text === 'string' ? text : JSON.stringify(text), 'f', 'yaml');
    t.is(notes.faults.length, 1, notes.faults.join('\n'));
    t.regex(notes.faults[0] ?? '', fault);
    t.throws(() => refuseFaults('f', notes), { message: /^f: a fault; nothing was written\n {2}\S/ });
  });

test('tables are refused with the line', (t) => {
  const faultsOf = (text: string) => said(text, 'csv').faults;
  t.regex(faultsOf('name,driver\na,fake,x')[0] ?? '', /^line 2: 3 fields, and there are 2 columns/);
  t.regex(faultsOf('name,driver,x\na,fake,1')[0] ?? '', /^line 2\.x: is a key/);
  t.regex(
    faultsOf('name,driver,ipmi_address\na,fake,1')[0] ?? '',
    /^line 2\.ipmi_address: is a key that countermand does not know; a column of driver_info begins with the driver of the node, 'fake_', or is/,
  );
  t.regex(faultsOf('name,ipmi_address\na,1').join(), /'DRIVER_'.*,line 2: it has no driver/);
  t.throws(() => said('name;driver\na;fake\n', 'csv'), {
    message: 'f: line 1: the columns are separated by ";"; separate them by commas',
  });
  t.throws(() => said('{"name": "a"}\n{"name": "b", "name": "c"}'), {
    message: "f: the key 'name' appears twice in one place",
  });
  t.throws(() => said('name,name\n', 'csv'), { message: "f: line 1: the column 'name' appears twice" });
  t.throws(() => said('name,driver,labels\na,fake,rack=7\n', 'csv'), {
    message: "f: line 1: the column 'labels' names no key; each key has a column of its own, labels.KEY",
  });
  t.throws(() => said('', 'csv'), { message: /f: it is empty/ });
  t.throws(() => said('a: 1'), { message: /f: it must be a list of nodes/ });
});
