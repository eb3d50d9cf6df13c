/** The web server of the simulated iRMC: who is let in, what is where, and what a client must bear. */
import { once } from 'node:events';
import * as http from 'node:http';
import { connect } from 'node:net';
import test from 'ava';
import type { WebFault } from '../../src/sim/irmc/faults.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newSimIrmc, type TestedIrmc } from '../counterparts/sim_irmc.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const OFF = '<CMDSEQ><CMD Context="SCCI" OC="PowerOffCabinet" Type="SET"/></CMDSEQ>';
const MOST = 2 ** 20;

interface Asked {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Up to a MiB of it. */
  readonly body: string;
  /** What ended it before its time: an error, or the end of our patience. */
  readonly broken: string | null;
}

const basic = (credentials: string) => ({ authorization: `Basic ${Buffer.from(credentials).toString('base64')}` });
const IN = basic('admin:secret');

async function ask(
  { address, ports }: TestedIrmc,
  method: string,
  path: string,
  headers: http.OutgoingHttpHeaders = IN,
  body = '',
): Promise<Asked> {
  const request = http.request({ host: address, port: ports.web, method, path, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const { statusCode: status = 0, headers: answered } = response;
  let text = '';
  let broken: string | null = null;
  try {
    for await (const chunk of response) {
      text += chunk;
      if (text.length < MOST) continue;
      broken = 'too long';
      break;
    }
  } catch (error) {
    broken = (error as NodeJS.ErrnoException).code ?? String(error);
  }
  request.destroy();
  return { status, headers: answered, body: text, broken };
}
const post = (tested: TestedIrmc, headers = IN) => ask(tested, 'POST', '/config', headers, OFF);

test('what is where', async (t) => {
  const tested = await newSimIrmc(t, { generation: 'S4', host: { selfTestMs: Number.POSITIVE_INFINITY } });
  const statusOf = async (method: string, path: string) => (await ask(tested, method, path)).status;
  t.is(await statusOf('GET', '/config'), 405);
  t.is(await statusOf('POST', '/redfish/v1/Systems/0'), 405);
  t.is(await statusOf('GET', '/'), 404);
  t.is(await statusOf('POST', '/configuration'), 404);
  t.is(await statusOf('GET', '/redfish/v1/Systems/1'), 404);
  const system = await ask(tested, 'GET', '/redfish/v1/Systems/0/');
  t.is(system.headers.server, 'iRMC S4 Server');
  t.true(system.body.includes('\\/redfish\\/v1\\/Systems\\/0'));
  t.is(JSON.parse(system.body).PowerState, 'On');
  tested.irmc.host.reset();
  const bios = await ask(tested, 'GET', '/redfish/v1/Systems/0/Bios');
  t.true(JSON.parse(bios.body).Oem.ts_fujitsu.IsBiosInPostPhase);
  tested.irmc.host.setPower('power off');
  t.is(JSON.parse((await ask(tested, 'GET', '/redfish/v1/Systems/0')).body).PowerState, 'Off');
});

test('who is not let in, and how that is said', async (t) => {
  const tested = await newSimIrmc(t);
  for (const headers of [
    {},
    basic('admin:wrong'),
    basic('other:secret'),
    { authorization: 'Basic' },
    { authorization: 'Digest nc=1' },
  ]) {
    const { status, headers: answered } = await ask(tested, 'POST', '/config', headers, OFF);
    t.is(status, 401);
    t.regex(
      answered['www-authenticate'] ?? '',
      /^Digest realm="iRMC", nonce="\w{32}", algorithm=MD5, qop="auth", Basic realm="iRMC"$/,
    );
  }
  tested.irmc.faults = { ...tested.irmc.faults, refusesLoginWith: 'page' };
  const page = await ask(tested, 'POST', '/config', {}, OFF);
  t.is(page.status, 200);
  t.true(page.body.includes('Login required to continue.'));
  t.deepEqual(tested.irmc.received, []);
  t.is((await post(tested)).status, 200);
});

test('one that offers Digest only does not take Basic', async (t) => {
  const tested = await newSimIrmc(t, { login: { methods: ['digest'] } });
  const { status, headers } = await post(tested);
  t.is(status, 401);
  t.false((headers['www-authenticate'] ?? '').includes('Basic'));
});

test('a request that is too long is not read', async (t) => {
  const tested = await newSimIrmc(t);
  t.is((await ask(tested, 'POST', '/config', IN, OFF + ' '.repeat(65_536))).status, 413);
  t.deepEqual(tested.irmc.received, []);
});

const shows = test.macro({
  exec: async (t, fault: WebFault, isDone: boolean, expected: { body?: RegExp; status?: number; broken?: string }) => {
    const tested = await newSimIrmc(t, { faults: { scci: fault, redfish: fault } });
    const { status, body, broken } = await post(tested);
    t.is(status, expected.status ?? 200);
    t.regex(body, expected.body ?? /^/);
    t.is(broken, expected.broken ?? null);
    t.is(tested.irmc.host.power, isDone ? 'power off' : 'power on');
    const read = await ask(tested, 'GET', '/redfish/v1/Systems/0');
    t.throws(() => {
      const { PowerState: power } = JSON.parse(read.body);
      if (read.status !== 200 || typeof power !== 'string') throw new Error('no answer');
    });
    tested.irmc.faults = { ...tested.irmc.faults, scci: 'none', redfish: 'none' };
    t.is((await post(tested)).status, 200);
  },
  title: (_, fault) => `the fault: ${fault}`,
});
test(shows, 'unavailable', false, { status: 503, body: /ServiceTemporarilyUnavailable/ });
test(shows, 'redirects', false, { status: 302 });
test(shows, 'truncated', true, { body: /<Value>0/, broken: 'ECONNRESET' });
test(shows, 'huge', true, { body: /^.{50,}\s{1000}/, broken: 'too long' });
test(shows, 'malformed', true, { body: /<CMD Context=SCCI/ });
test(shows, 'a page', true, { body: /^<!DOCTYPE html>/ });
test(shows, 'entities', true, { body: /^.{0,2000}<Value>&e10;<\/Value>/ });
test(shows, 'nested', true, { body: /(<a>){1000}/ });
test(shows, 'no value', true, { body: /<Message>No Error/ });

test('a connection that is reset after the order was done', async (t) => {
  const tested = await newSimIrmc(t, { faults: { scci: 'resets' } });
  await t.throwsAsync(post(tested), { code: 'ECONNRESET' });
  t.is(tested.irmc.host.power, 'power off');
});

test('an answer that never ends, and one that never begins, end with their connections', async (t) => {
  const clock = new VirtualClock();
  const tested = await newSimIrmc(t, { clock, faults: { scci: 'endless' } });
  const { address, ports, irmc } = tested;
  const open = () => {
    const socket = connect(ports.web, address);
    const { authorization } = IN;
    socket.write(
      `POST /config HTTP/1.1\r\nHost: irmc\r\nAuthorization: ${authorization}\r\nContent-Length: ${OFF.length}\r\n\r\n${OFF}`,
    );
    return socket.setEncoding('utf8');
  };
  const endless = open();
  let heard = '';
  endless.on('data', (text) => {
    heard += text;
  });
  await eventually('the first half', () => heard.includes('<Value>'));
  const half = heard.length;
  await eventually('a timer', () => clock.timers === 1);
  await clock.turn(1000);
  await eventually('more of it', () => heard.length > half);
  endless.destroy();
  await eventually('the timer to be gone', () => clock.timers === 0);
  irmc.faults = { ...irmc.faults, scci: 'none', holdsMs: 60_000 };
  const held = open();
  await eventually('the order to be done', () => irmc.received.length === 2);
  held.destroy();
  await eventually('its timer to be gone', () => clock.timers === 0);
  t.is(irmc.host.power, 'power off');
});

test('an answer that is held back comes', async (t) => {
  const clock = new VirtualClock();
  const tested = await newSimIrmc(t, { clock, faults: { holdsMs: 60_000 } });
  const answer = post(tested);
  await eventually('the order to be done', () => tested.irmc.host.power === 'power off');
  await clock.turn(60_000);
  t.is((await answer).status, 200);
});
