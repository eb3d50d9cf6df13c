/** What BMCs answer: it costs little whatever comes, and in errors it is short and has no login in it. */
import test, { type ExecutionContext } from 'ava';
import { CountermandError } from '../../src/core/errors.ts';
import { BMC_LIMITS } from '../../src/core/limits.ts';
import { jsonOf } from '../../src/drivers/https.ts';
import { readStatus } from '../../src/drivers/irmc/reply.ts';
import { readSaid, wordsOf } from '../../src/drivers/redfish/messages.ts';
import { actionInfo, collection } from '../../src/drivers/redfish/pages.ts';
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
    const text = typeof page === 'string' ? page : JSON.stringify(page);
    return `HTTP/1.0 ${status} Said\r\n\r\n${text}`;
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
  const long = readStatus(reply('\\'.repeat(8000)), [REDFISH_PASSWORD]);
  t.true(typeof long !== 'string' && long.words.length <= 203);
});

test('a page of one byte or one part more than the limit is none', async (t) => {
  const { bmc_page_bytes: bytes, bmc_page_parts: parts } = BMC_LIMITS;
  const none = { '/v1/': ROOT, '/Systems': [200, { Members: [] }] } as const;
  const sized = (size: number) => ({
    ...none,
    '/Systems': [200, JSON.stringify({ Members: [] }).padEnd(size)] as const,
  });
  t.is((await readFrom(t, sized(bytes.limit))).code, 'BMC_BUSY');
  const large = await readFrom(t, sized(bytes.limit + 1));
  t.is(large.code, bytes.error);
  t.regex(large.message, new RegExp(`more than ${bytes.limit} bytes`));
  // A brace, a colon and a bracket stand before the first comma.
  const list = (count: number) => `{"Members":[${'1,'.repeat(count - 3)}1]}`;
  t.deepEqual(Object.keys(jsonOf(list(parts.limit)) as object), ['Members']);
  t.is(jsonOf(list(parts.limit + 1)), undefined);
  const many = await readFrom(t, { ...none, '/Systems': [200, list(parts.limit + 1)] });
  t.is(many.code, parts.error);
  t.regex(many.message, /no page of Redfish/);
});

test('a status is a character longer than any', (t) => {
  const { limit } = BMC_LIMITS.irmc_status_length;
  const answer = '<Status><Value>0</Value></Status>';
  t.deepEqual(readStatus(answer.padEnd(limit)), { value: 0, words: '' });
  t.is(readStatus(answer.padEnd(limit + 1)), `is longer than ${limit} characters`);
});

/** Objects that count who looks at their property `other`. */
function watched(count: number, more: object): { readonly all: readonly object[]; looks(): number } {
  let looks = 0;
  const all = Array.from({ length: count }, () =>
    Object.defineProperty({ ...more }, 'other', {
      enumerable: true,
      get: () => {
        looks += 1;
        return 1;
      },
    }),
  );
  return { all, looks: () => looks };
}

test('of long lists few entries are looked at', (t) => {
  const messages = watched(1000, { MessageId: 'X', Message: 'why' });
  t.is(readSaid({ error: { '@Message.ExtendedInfo': messages.all } }, [])?.ids.length, 20);
  t.true(messages.looks() > 0 && messages.looks() <= 40, `${messages.looks()}`);
  const members = watched(1000, { '@odata.id': '/x' });
  t.is(collection.parse({ Members: members.all }).Members?.length, 1000);
  t.is(members.looks(), 0);
  const parameters = watched(1000, { Name: 'ResetType' });
  t.is(actionInfo.parse({ Parameters: parameters.all }).Parameters.length, 100);
  t.true(parameters.looks() <= 200);
  const values = Array.from({ length: 1000 }, () => 'x'.repeat(50));
  const [listed] = actionInfo.parse({ Parameters: [{ AllowableValues: ['x'.repeat(101), ...values] }] }).Parameters;
  t.is(listed?.AllowableValues?.length, 99);
});
