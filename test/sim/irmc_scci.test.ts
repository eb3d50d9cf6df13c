/** What the simulated iRMC makes of SCCI requests, in virtual time. */
import test from 'ava';
import fc from 'fast-check';
import { XMLValidator } from 'fast-xml-parser';
import type { OnOff } from '../../src/core/power.ts';
import type { BootStatus } from '../../src/sim/host.ts';
import { anyText } from '../counterparts/any_text.ts';
import { makeSimIrmc, type NewSimIrmc } from '../counterparts/sim_irmc.ts';
import { VirtualClock } from '../world/virtual_clock.ts';

const TAKEN =
  '<?xml version="1.0" encoding="UTF-8"?><Status><Value>0</Value><Severity>Information</Severity>' +
  '<Message>No Error</Message></Status>';
const FOREVER = Number.POSITIVE_INFINITY;

function newIrmc(options: NewSimIrmc = {}) {
  const clock = new VirtualClock();
  const irmc = makeSimIrmc({ clock, ...options });
  const send = (oc: string, attributes = 'Type="SET"'): string =>
    irmc.receiveScci(`<CMDSEQ><CMD Context="SCCI" OC="${oc}" ${attributes}/></CMDSEQ>`);
  return { irmc, clock, send };
}
const scciValue = (answer: string): number => Number(/<Value>(\d+)<\/Value>/.exec(answer)?.[1]);
const errorOf = (answer: string): string => /<Error [^>]*>([^<]*)</.exec(answer)?.[1] ?? '';

const isUnderstood = test.macro({
  exec: (t, request: string) => {
    const { irmc } = newIrmc();
    t.is(irmc.receiveScci(request), TAKEN);
    t.deepEqual(irmc.received, [{ command: 'PowerOffCabinet', value: 0 }]);
    t.is(irmc.host.power, 'power off');
  },
  title: (_, request: string) => `understood: ${request.trim()}`,
});
test(isUnderstood, '<CMDSEQ><CMD Context="SCCI" OC="PowerOffCabinet" OE="0" OI="0" Type="SET"></CMD></CMDSEQ>');
test(
  isUnderstood,
  '\n<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>\n<CMDSEQ>\n <CMD Context="SCCI" OC="0x0112" Type="SET">\n </CMD>\n</CMDSEQ>\n',
);
test(
  isUnderstood,
  '<CMDSEQ><CMD Context="SCCI" OC="0112" OE="200" OI="0" CA="-1" Type="SET"><STATUS>0</STATUS></CMD></CMDSEQ>',
);
test(isUnderstood, '<CMDSEQ><!-- off --><CMD Context="SCCI" OC="0X112" OE="0x1A80" OI="A" Type="SET"/></CMDSEQ>');

const isRefused = test.macro({
  exec: (t, request: string, oc: string, error: RegExp) => {
    const { irmc } = newIrmc();
    const answer = irmc.receiveScci(request);
    t.is(scciValue(answer), 31);
    t.regex(answer, new RegExp(`<Severity>Error</Severity>[\\s\\S]*<Error Context="SCCI" OC="${oc}" OE="0" OI="0">`));
    t.regex(errorOf(answer), error);
    t.deepEqual(irmc.received, []);
    t.is(irmc.host.power, 'power on');
  },
  title: (_, request: string) => `refused: ${request.slice(0, 100)}`,
});
test(isRefused, '', '0', /^XML parser creation failed/);
test(isRefused, 'OC=PowerOffCabinet', '0', /^XML parser creation failed/);
test(
  isRefused,
  '<CMDSEQ><CMD Context=SCCI OC="0112" Type="SET"/></CMDSEQ>',
  '0',
  /^XML parser creation failed \(Error parsing: /,
);
test(isRefused, '<CMDSEQ><CMD Context="SCCI" OC="0112" Type="SET">', '0', /^XML parser creation failed/);
test(
  isRefused,
  '<!DOCTYPE CMDSEQ [<!ENTITY a "b">]><CMDSEQ><CMD Context="SCCI" OC="0112" Type="SET"/></CMDSEQ>',
  '0',
  /document type/,
);
test(isRefused, `<CMDSEQ>${'<a>'.repeat(50)}${'</a>'.repeat(50)}</CMDSEQ>`, '0', /^XML parser creation failed/);
test(isRefused, '<CMD Context="SCCI" OC="0112" Type="SET"/>', '0', /root is not CMDSEQ/);
test(isRefused, '<CMDSEQ></CMDSEQ>', '0', /CMDSEQ/);
test(isRefused, '<CMDSEQ><CMD>off</CMD></CMDSEQ>', '0', /no attributes/);
test(isRefused, '<CMDSEQ><CMD OC="0112" Type="SET"/></CMDSEQ>', '0112', /Context/);
test(isRefused, '<CMDSEQ><CMD Context="SCCI" OC="0999" Type="SET"/></CMDSEQ>', '0999', /Unknown operation code/);
test(
  isRefused,
  '<CMDSEQ><CMD Context="SCCI" OC="poweroffcabinet" Type="SET"/></CMDSEQ>',
  'poweroffcabinet',
  /Unknown operation code/,
);
test(isRefused, '<CMDSEQ><CMD Context="SCCI" OC="0112"/></CMDSEQ>', '0112', /cannot be read/);
test(isRefused, '<CMDSEQ><CMD Context="SCCI" OC="0112" OE="zz" Type="SET"/></CMDSEQ>', '0112', /hexadecimal/);
test(isRefused, '<CMDSEQ><CMD Context="SCCI" OC="0112" CA="main" Type="SET"/></CMDSEQ>', '0112', /CA/);
test(isRefused, '<CMDSEQ><CMD Context="SCCI" OC="0112" Type="DO"/></CMDSEQ>', '0112', /GET nor SET/);

test('several commands, until one is refused', (t) => {
  const { irmc } = newIrmc({ power: 'power off' });
  const command = (oc: string): string => `<CMD Context="SCCI" OC="${oc}" Type="SET"/>`;
  const sequence = ['PowerOnCabinet', 'PowerOffCabinet', 'ResetServer', 'PowerOnCabinet'].map(command).join('');
  t.regex(irmc.receiveScci(`<CMDSEQ>${sequence}</CMDSEQ>`), /<Value>31<[\s\S]*OC="ResetServer"[\s\S]*powered off/);
  t.is(irmc.host.power, 'power off');
  t.deepEqual(
    irmc.received.map(({ value }) => value),
    [0, 0, 31],
  );
});

test('settings are kept, and read by name or code', (t) => {
  const { irmc, send } = newIrmc();
  const set =
    '<CMDSEQ><CMD Context="SCCI" OC="ConfigSpace" OE="1A80" OI="1" Type="SET"><DATA Type="xsd::string">a &amp; b</DATA></CMD></CMDSEQ>';
  t.is(irmc.receiveScci(set), TAKEN);
  const read = send('E001', 'OE="1a80" OI="1" Type="GET"');
  t.regex(
    read,
    /<CMDSEQ><CMD Context="SCCI" OC="E001" OE="1A80" OI="1" Type="GET"><DATA Type="xsd::string">a .*b<\/DATA><STATUS>0<\/STATUS><\/CMD><\/CMDSEQ>/,
  );
  t.regex(send('E002', 'OE="1A80" Type="SET"'), /DATA is missing/);
  t.deepEqual(irmc.received, []);
});

const TAKES_BACK = [
  // When the cancel comes, its answer, and where the host is then and in the end.
  ['while it is pending', 4999, 0, 'os-running', 'os-running'],
  ['when the operating system stops', 5000, 31, 'os-shutdown', 'off'],
  ['when it is off', 15_000, 31, 'off', 'off'],
] as const satisfies readonly (readonly [string, number, number, BootStatus, BootStatus])[];
for (const [when, atMs, value, boot, end] of TAKES_BACK)
  test(`a cancel ${when}`, async (t) => {
    const { irmc, clock, send } = newIrmc({ host: { pendingMs: 5000, softMs: 10_000 } });
    t.is(send('RequestShutdownAndOff'), TAKEN);
    t.true(irmc.agentConnected);
    await clock.turn(atMs);
    const answer = send('ShutdownRequestCancelled');
    t.is(scciValue(answer), value);
    t.is(errorOf(answer), value === 0 ? '' : 'ServerView Agent not connected');
    t.is(irmc.host.boot, boot);
    await clock.turn(60_000);
    t.is(irmc.host.boot, end);
  });

for (const nothingPendingValue of [0, 31] as const)
  test(`a cancel with nothing pending is answered with ${nothingPendingValue}`, (t) => {
    const { irmc, send } = newIrmc({ faults: { nothingPendingValue } });
    t.is(scciValue(send('ShutdownRequestCancelled')), nothingPendingValue);
    t.is(irmc.received[0]?.value, nothingPendingValue);
  });

test('a graceful reboot passes through what it is told to show', async (t) => {
  const host = { pendingMs: 1, softMs: 1, resetMs: 1, selfTestMs: 1, osBootMs: 1 } as const;
  for (const resetShows of ['unknown', 'off', 'reset', 'nothing'] as const) {
    const { irmc, clock, send } = newIrmc({ host: { ...host, resetShows } });
    send('0206');
    const seen = new Set<BootStatus>();
    for (let ms = 0; ms < 6; ms += 1) {
      seen.add(irmc.host.boot);
      await clock.turn(1);
    }
    const shown = resetShows === 'nothing' ? [] : [resetShows];
    t.deepEqual([...seen], ['os-running', 'os-shutdown', ...shown, 'self-test', 'os-boot']);
    t.is(irmc.host.boot, 'os-running');
  }
});

test('an operating system that hangs: before it begins to stop, or while it stops', async (t) => {
  const waits = newIrmc({ host: { pendingMs: FOREVER } });
  waits.send('0205');
  await waits.clock.turn(3_600_000);
  t.is(waits.irmc.host.boot, 'os-running');
  const stops = newIrmc({ host: { softMs: FOREVER } });
  stops.send('0205');
  await stops.clock.turn(3_600_000);
  t.is(stops.irmc.host.boot, 'os-shutdown');
  t.is(scciValue(stops.send('0112')), 0);
  t.is(stops.irmc.host.boot, 'off');
});

test('orders within three seconds after one that switches get 5, if it is so', async (t) => {
  const { clock, send } = newIrmc({ host: { pendingMs: 1000 }, faults: { busyMs: 3000 } });
  const values = (...ocs: string[]): number[] => ocs.map((oc) => scciValue(send(oc)));
  t.deepEqual(values('0205', '0209', '0112', '0111'), [0, 0, 0, 5]);
  await clock.turn(2999);
  t.deepEqual(values('0111'), [5]);
  await clock.turn(1);
  t.deepEqual(values('0111', '0204'), [0, 5]);
});

test('while an answer is held back another order gets 5, if it is so', async (t) => {
  const { clock, send } = newIrmc({ faults: { busyMs: 3000, holdsMs: 8000 } });
  t.is(scciValue(send('0205')), 0);
  await clock.turn(7999);
  t.is(scciValue(send('0112')), 5);
  await clock.turn(1);
  t.is(scciValue(send('0112')), 0);
});

const whileOff = test.macro({
  exec: (t, oc: string, value: number, power: OnOff) => {
    const { irmc, send } = newIrmc({ power: 'power off', faults: { whileOffValue: 42 } });
    t.is(scciValue(send(oc)), value);
    t.is(irmc.host.power, power);
  },
  title: (_, oc) => `${oc} while it is off`,
});
test(whileOff, 'PowerOnCabinet', 0, 'power on');
test(whileOff, 'PowerOffCabinet', 0, 'power off');
test(whileOff, 'PowerOffOnCabinet', 42, 'power off');
test(whileOff, 'ResetServer', 42, 'power off');
test(whileOff, 'RaiseNMI', 42, 'power off');
test(whileOff, 'RequestShutdownAndOff', 31, 'power off');

test('an NMI is a dump and a start, or nothing', (t) => {
  const dumps = newIrmc({ host: { selfTestMs: 1000 } });
  t.is(scciValue(dumps.send('020C')), 0);
  t.is(dumps.irmc.host.boot, 'self-test');
  const ignores = newIrmc({ host: { nmi: 'ignored' } });
  t.is(scciValue(ignores.send('0x20c')), 0);
  t.is(ignores.irmc.host.boot, 'os-running');
});

test('its firmware starts anew, and the server goes on', async (t) => {
  const { irmc, clock, send } = newIrmc();
  send('ResetFirmware');
  t.true(irmc.isAway);
  t.is(irmc.host.boot, 'os-running');
  await clock.turn(60_000);
  t.false(irmc.isAway);
});

test('whatever comes is answered with XML that is well-formed, and the server goes on', (t) => {
  const { irmc } = newIrmc();
  const word = fc.constantFrom(
    '<CMDSEQ>',
    '</CMDSEQ>',
    '<CMD ',
    'Context="SCCI" ',
    'OC="E001" ',
    'OE="',
    'Type="GET"',
    '>',
    '/>',
    '<!--',
    '&amp;',
    '&#0;',
    ']]>',
    '\u0000',
    '"',
    '__proto__',
  );
  const text = fc.oneof(
    anyText(),
    fc.array(fc.oneof(word, fc.string()), { maxLength: 20 }).map((words) => words.join('')),
  );
  const attribute = anyText().map((oc) => `<CMDSEQ><CMD Context="SCCI" OC="${oc}" Type="SET"/></CMDSEQ>`);
  fc.assert(
    fc.property(fc.oneof(text, attribute), (body) => {
      const answer = irmc.receiveScci(body);
      return XMLValidator.validate(answer) === true && irmc.host.boot === 'os-running';
    }),
    { numRuns: 500 },
  );
  t.deepEqual(irmc.received, []);
});
