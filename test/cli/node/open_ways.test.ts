/** What a driver_info lets others read is said when a node is enrolled or changed. */
import test from 'ava';
import { openWays } from '../../../src/cli/node/open_ways.ts';
import { openHouse } from '../../e2e/house.ts';
import { runHere } from '../../e2e/processes.ts';

test('a certificate that is not checked, and a way without encryption', (t) => {
  t.deepEqual(openWays({ redfish_verify_ca: 'true', redfish_address: 'https://bmc', irmc_protocol: 'https' }), []);
  t.regex(
    openWays({ redfish_verify_ca: 'false' }).join(),
    /^redfish_verify_ca=false: the certificate .* the password$/,
  );
  t.regex(openWays({ irmc_protocol: 'http' }).join(), /^irmc_protocol: http is not encrypted/);
  t.regex(openWays({ redfish_address: 'HTTP://bmc' }).join(), /^redfish_address: http is not encrypted/);
  t.is(openWays({ irmc_verify_ca: 'false', irmc_protocol: 'http' }).length, 2);
});

test('node create and node set say it on stderr', async (t) => {
  const { address } = await openHouse(t, { here: true, variables: { COUNTERMAND_SECRET_P: 'p' } });
  const ask = (...words: string[]) => runHere(['node', ...words], { COUNTERMAND_CONDUCTOR: address });
  const login = [
    'redfish_address=https://192.0.2.7',
    'redfish_username=u',
    'redfish_password=env:COUNTERMAND_SECRET_P',
  ];
  const created = await ask('create', 'n', '--driver', 'redfish', '--info', ...login, 'redfish_verify_ca=false');
  t.is(created.exitCode, 0, created.stderr);
  t.regex(created.stderr, /^warning: redfish_verify_ca=false: the certificate of the BMC is not checked/);
  const secured = await ask('set', 'n', '--info', ...login, 'redfish_verify_ca=true');
  t.is(secured.stderr, '');
  const opened = await ask(
    'set',
    'n',
    '--info',
    'redfish_address=http://192.0.2.7',
    'redfish_password=env:COUNTERMAND_SECRET_P',
  );
  t.regex(opened.stderr, /^warning: redfish_address: http is not encrypted/);
});
