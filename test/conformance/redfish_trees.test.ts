/** The driver `redfish` over the pages of real BMCs of seven vendors, with a power state that moves. */
import test from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import type { Target } from '../../src/core/power.ts';
import { ALL_BUT_NMI_ABORT, type DriverInfo } from '../../src/drivers/driver.ts';
import { TREES, type TreeName } from '../../src/sim/redfish/trees.ts';
import { never } from '../counterparts/signals.ts';
import { newSpokenRedfish } from '../counterparts/spoken_redfish.ts';
import { redfishConforms } from './redfish.ts';

const CONFORMING = [
  'dell-idrac9-r750',
  'hpe-ilo5-trailing-slashes',
  'lenovo-xcc-sr670',
  'supermicro-sys821ge',
  'ami-megarac-dgx-h100',
  'openbmc-stock-off',
  'intel-s2600bpb',
] as const satisfies readonly TreeName[];

for (const like of CONFORMING) redfishConforms(`like ${like}`, { like });

/** What each cannot do. */
const MISSING: Readonly<Record<TreeName, readonly Target[]>> = {
  'dell-idrac9-r750': [],
  'hpe-ilo5-trailing-slashes': [],
  'lenovo-xcc-sr670': [],
  'supermicro-sys821ge': [],
  'ami-megarac-dgx-h100': ['inject nmi'],
  'openbmc-stock-off': [],
  'openbmc-nvidia-gb200': [],
  'intel-s2600bpb': [],
  // Its soft power off is called Off, which is no ResetType of Redfish, and is not sent.
  'cray-ex4252-four-nodes': [
    'rebooting',
    'soft rebooting',
    'soft power off',
    'inject nmi',
    'abort soft rebooting',
    'abort soft power off',
  ],
};

for (const like of Object.keys(TREES) as TreeName[])
  test(`what ${like} supports is what its pages list`, async (t) => {
    const { driver, info } = await newSpokenRedfish(t, { like });
    const more: DriverInfo = like === 'cray-ex4252-four-nodes' ? { redfish_system_id: 'Node2' } : {};
    const supported = await driver.getSupportedPowerStates(driver.parse({ ...info, ...more }), never());
    t.true(supported.probed);
    t.deepEqual(
      ALL_BUT_NMI_ABORT.filter((target) => !supported.targets.includes(target)),
      MISSING[like],
    );
    if (MISSING[like].length > 0) t.regex(supported.reason ?? '', /no Nmi; the BMC lists/);
  });

test('four nodes on one BMC of Cray, listed in no order: each is ordered by its name only', async (t) => {
  const { redfish, driver, info } = await newSpokenRedfish(t, { like: 'cray-ex4252-four-nodes' });
  const error = await t.throwsAsync(driver.setPowerState(driver.parse(info), 'power off', never()), {
    instanceOf: CountermandError,
  });
  t.regex(error.message, /4 Systems that can be reset: Node3 .*; Node1 .*; Node2 .*; Node0/);
  for (const id of ['Node0', 'Node1', 'Node2', 'Node3'])
    await driver.setPowerState(driver.parse({ ...info, redfish_system_id: id }), 'power off', never());
  t.deepEqual(
    redfish.done.map(({ system }) => system),
    ['Node0', 'Node1', 'Node2', 'Node3'],
  );
});
