/** IPMI of the simulated iRMC, asked with ipmitool: the same server is behind it. */
import test from 'ava';
import { askSilentWithIpmitool, askWithIpmitool } from '../counterparts/ipmitool.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const FUJITSU = ['0x80', '0x28', '0x00'];
const agentCommand = (number: string): string[] => ['raw', '0x2e', '0x02', ...FUJITSU, number];

test('the power that SCCI has switched', async (t) => {
  const tested = await newSimIrmc(t);
  t.is(await askWithIpmitool(tested, 'power', 'status'), 'Chassis Power is on');
  tested.irmc.receiveScci('<CMDSEQ><CMD Context="SCCI" OC="0112" Type="SET"/></CMDSEQ>');
  t.is(await askWithIpmitool(tested, 'power', 'status'), 'Chassis Power is off');
});

test('whether the agent is connected', async (t) => {
  const tested = await newSimIrmc(t, { host: { softMs: FOREVER } });
  t.is(await askWithIpmitool(tested, ...agentCommand('0x08')), '80 28 00 01 01');
  tested.irmc.faults = { ...tested.irmc.faults, agentMissing: true };
  t.is(await askWithIpmitool(tested, ...agentCommand('0x08')), '80 28 00 01 00');
  tested.irmc.faults = { ...tested.irmc.faults, agentMissing: false };
  tested.irmc.host.stopSoftly(false);
  t.is(await askWithIpmitool(tested, ...agentCommand('0x08')), '80 28 00 01 00');
});

test('a shutdown that SCCI has asked for is taken back', async (t) => {
  const tested = await newSimIrmc(t, { host: { pendingMs: FOREVER } });
  tested.irmc.receiveScci('<CMDSEQ><CMD Context="SCCI" OC="0x0205" Type="SET"/></CMDSEQ>');
  t.is(await askWithIpmitool(tested, ...agentCommand('0x09')), '80 28 00');
  t.is(tested.irmc.host.cancel(), 'nothing is pending');
});

test('silent, and with a closed port', async (t) => {
  const tested = await newSimIrmc(t, { faults: { ipmi: 'silent' } });
  t.regex(await askSilentWithIpmitool(tested, 'power', 'status'), /Unable to establish/);
  tested.irmc.faults = { ...tested.irmc.faults, ipmi: 'none' };
  await tested.listening.switchIpmi(false);
  t.regex(await askSilentWithIpmitool(tested, 'power', 'status'), /Unable to establish/);
  await tested.listening.switchIpmi(true);
  t.is(await askWithIpmitool(tested, 'power', 'status'), 'Chassis Power is on');
});
