/** What BMCs say, in errors: short whatever comes, and no login in it. */
import test, { type ExecutionContext } from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { readStatus } from '../../src/drivers/irmc/reply.ts';
import { readSaid, wordsOf } from '../../src/drivers/redfish/messages.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { newRawHttp } from '../counterparts/raw_http.ts';
import { newRedfishDriver } from '../counterparts/redfish_driver.ts';
import { never } from '../counterparts/signals.ts';
import { REDFISH_PASSWORD } from '../counterparts/sim_redfish.ts';

const LOGIN = Buffer.from(`admin:${REDFISH_PASSWORD}`).toString('base64');
/** No library that we know spells it so, and a person reads it at once. */
const UNKNOWN = [...REDFISH_PASSWORD].reverse().join('-');

/** Reads from a service whose pages are these, by the ends of their paths; others answer 404. */
async function readFrom(t: ExecutionContext, pages: Record<string, readonly [status: number, page: unknown]>) {
  const raw = await newRawHttp(t, (line) => {
    const path = line.split(' ')[1] ?? '';
    const [, [status, page]] = Object.entries(pages).find(([end]) => path.endsWith(end)) ?? ['', [404, {}]];
    return `HTTP/1.0 ${status} Said\r\n\r\n${JSON.stringify(page)}`;
  });
  const driver = newRedfishDriver(new PatientClock());
  t.teardown(() => driver.close());
  const address = `http://${ownAddress()}:${raw.port}`;
  const info = { redfish_address: address, redfish_username: 'admin', redfish_password: REDFISH_PASSWORD };
  return t.throwsAsync(driver.getPowerState(driver.parse(info), never()), { instanceOf: CountermandError });
}

const ROOT = [200, { RedfishVersion: '1.6.0', Systems: { '@odata.id': '/redfish/v1/Systems' } }] as const;
const MEMBERS = [200, { Members: [1, 2].map((id) => ({ '@odata.id': `/redfish/v1/Systems/${id}` })) }] as const;
const system = (name: string) => {
  const actions = { '#ComputerSystem.Reset': { target: '/reset' } };
  return [200, { Id: name, Name: name, SerialNumber: name, UUID: name, PowerState: 'On', Actions: actions }] as const;
};

test('names of Systems', async (t) => {
  for (const name of ['\\'.repeat(30_000), 'x'.repeat(30_000), `${'x'.repeat(70)}${LOGIN}`]) {
    const pages = { '/v1/': ROOT, '/Systems': MEMBERS, '/1': system(name), '/2': system(name) };
    const error = await readFrom(t, pages);
    t.is(error.code, 'DRIVER_INFO_INVALID');
    t.true(error.message.length < 2000, `${error.message.length}`);
    t.notRegex(error.message, /cHctdG|dzNj/);
  }
});

test('an address that is as long as a page', async (t) => {
  const pages = { '/v1/': ROOT, '/Systems': [200, { Members: [{ '@odata.id': `/${'x'.repeat(30_000)}` }] }] } as const;
  const error = await readFrom(t, pages);
  t.is(error.code, 'BMC_PROTOCOL_VIOLATION');
  t.true(error.message.length < 300);
});

const bodyOf = (MessageId: string, Message: string) => ({
  error: { '@Message.ExtendedInfo': [{ MessageId, Message }] },
});

test('an answer about the login is told by its ids, and none of its words', async (t) => {
  const said = `no such login: ${UNKNOWN}`;
  const refused = await readFrom(t, { '/v1/': ROOT, '/Systems': [401, bodyOf('Base.1.0.NoValidSession', said)] });
  t.is(refused.code, 'BMC_LOGIN_REFUSED');
  t.regex(refused.message, /HTTP 401 NoValidSession/);
  t.false(refused.message.includes(UNKNOWN), refused.message);
  const denied = wordsOf(403, readSaid(bodyOf('Base.1.0.AccessDenied', said), []));
  t.is(denied, 'HTTP 403 AccessDenied');
  // What stands in the place of an id is a text as well.
  t.is(wordsOf(401, readSaid(bodyOf(`Base.1.0.${said}`, ''), [])), 'HTTP 401');
  t.is(wordsOf(400, readSaid(bodyOf('Base.1.0.Odd', 'why'), [])), 'HTTP 400: Odd: why');
});

test('the words of an iRMC are masked before they are cut', (t) => {
  const reply = (words: string): string => `<Status><Value>31</Value><Error>${words}</Error></Status>`;
  const status = readStatus(reply(`${'x'.repeat(190)}${REDFISH_PASSWORD}`), [REDFISH_PASSWORD]);
  t.deepEqual(status, { value: 31, words: `${'x'.repeat(190)}******` });
  const long = readStatus(reply('\\'.repeat(60_000)), [REDFISH_PASSWORD]);
  t.true(typeof long !== 'string' && long.words.length <= 203);
});
