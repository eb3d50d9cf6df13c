/** The vendor's IPMI commands of an iRMC, in virtual time. */
import test from 'ava';
import { COMPLETION } from '../../src/drivers/ipmi/rmcp/completion_codes.ts';
import { NET_FN } from '../../src/drivers/ipmi/rmcp/message.ts';
import { type HostSettings, QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { irmcCommands } from '../../src/sim/ipmi/irmc_oem.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const DONE = '802800';
const WRONG_STATE = `refused ${COMPLETION.notInPresentState.toString(16)}`;

function newIrmc(settings: Partial<HostSettings> = {}) {
  const clock = new VirtualClock();
  const host = new SimHost('power on', { ...QUICK_HOST, ...settings }, clock);
  const agent = { connected: true };
  const commands = irmcCommands(host, () => agent.connected);
  const ask = (command: number, hex: string, netFn: number = NET_FN.oem): string | null => {
    const answer = commands({ netFn, command, sequence: 1, data: Buffer.from(hex, 'hex') });
    if (answer === null) return null;
    if (answer.completionCode !== 0) return `refused ${answer.completionCode.toString(16)}`;
    return (answer.data ?? Buffer.alloc(0)).toString('hex');
  };
  const request = (code: string) => ask(0x02, `802800${code}`);
  const systemStatus = () => ask(0xf5, '80280010aabbccdd');
  return { clock, host, agent, ask, request, systemStatus };
}

test('the agent is connected while it is there and the operating system runs', async (t) => {
  const { clock, host, agent, request, systemStatus } = newIrmc({ selfTestMs: 2000, osBootMs: 3000 });
  t.is(request('08'), '8028000101');
  t.is(systemStatus(), '80280082000000');
  agent.connected = false;
  t.is(request('08'), '8028000100');
  t.is(systemStatus(), '80280080000000');
  agent.connected = true;
  host.setPower('power off');
  t.is(request('08'), '8028000100');
  t.is(systemStatus(), '80280000000000');
  host.setPower('power on');
  t.is(systemStatus(), '80280081000000');
  await clock.turn(2000);
  t.is(systemStatus(), '80280080000000');
  t.is(request('08'), '8028000100');
  await clock.turn(3000);
  t.is(request('08'), '8028000101');
});

test('a shutdown that is asked of the agent, and one with a restart', async (t) => {
  const { clock, host, request } = newIrmc({ softMs: 5000 });
  t.is(request('05'), DONE);
  await clock.turn(4999);
  t.is(host.power, 'power on');
  await clock.turn(1);
  t.is(host.power, 'power off');
  host.setPower('power on');
  const { boots } = host;
  t.is(request('06'), DONE);
  await clock.turn(5000);
  t.is(host.power, 'power on');
  t.is(host.boots, boots + 1);
});

test('a shutdown is taken back while it is pending, and not when the agent is gone with it', async (t) => {
  const { clock, host, request } = newIrmc({ pendingMs: 60_000, softMs: 5000 });
  t.is(request('05'), DONE);
  await clock.turn(59_000);
  t.is(request('09'), DONE);
  await clock.turn(600_000);
  t.is(host.power, 'power on');
  t.is(request('05'), DONE);
  await clock.turn(60_001);
  t.is(host.boot, 'os-shutdown');
  t.is(request('09'), WRONG_STATE);
  await clock.turn(5000);
  t.is(host.power, 'power off');
  t.is(request('09'), WRONG_STATE);
});

test('without the agent nothing is asked of it, and nothing is changed', async (t) => {
  const { clock, host, agent, request } = newIrmc({ pendingMs: 60_000 });
  agent.connected = false;
  for (const code of ['05', '06', '09']) t.is(request(code), WRONG_STATE);
  agent.connected = true;
  t.is(request('05'), DONE);
  agent.connected = false;
  t.is(request('09'), WRONG_STATE);
  await clock.turn(60_000);
  t.is(host.power, 'power off');
});

test('what is no command of Fujitsu, or a broken one, is refused or left to others', (t) => {
  const { host, ask } = newIrmc();
  t.is(ask(0x02, '80280008', NET_FN.app), null);
  t.is(ask(0x10, '80280008'), null);
  t.is(ask(0x02, '57010008'), 'refused c1');
  t.is(ask(0x02, '8028'), 'refused c7');
  t.is(ask(0x02, '802800'), 'refused c7');
  t.is(ask(0x02, '80280077'), 'refused cc');
  t.is(ask(0xf5, '80280010'), 'refused c7');
  t.is(ask(0xf5, '80280011aabbccdd'), 'refused cc');
  t.is(host.boot, 'os-running');
});
