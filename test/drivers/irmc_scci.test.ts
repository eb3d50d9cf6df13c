/** The replies of SCCI, read: those that are known, and whatever else may come. */
import test from 'ava';
import fc from 'fast-check';
import { readStatus } from '../../src/drivers/irmc/reply.ts';
import { scciRequest } from '../../src/drivers/irmc/scci.ts';
import { anyText } from '../counterparts/any_text.ts';

const OK =
  '<?xml version="1.0" encoding="UTF-8"?><Status><Value>0</Value><Severity>Information</Severity><Message>No Error</Message></Status>';
const NO_AGENT = `<Status><Value>31</Value><Severity>Error</Severity>
<Message>Error 31 (Import of settings in WinSCU XML format failed) occurred</Message>
<Error Context="SCCI" OC="ShutdownRequestCancelled" OE="0" OI="0">ServerView Agent not connected</Error></Status>`;

test('what iRMCs answer', (t) => {
  t.deepEqual(readStatus(OK), { value: 0, words: 'No Error' });
  t.deepEqual(readStatus(`\n  ${OK}\n`), { value: 0, words: 'No Error' });
  t.deepEqual(readStatus(NO_AGENT), { value: 31, words: 'ServerView Agent not connected' });
  const two = NO_AGENT.replace('</Status>', '<Error OE="1">and <![CDATA[more & more]]></Error></Status>');
  t.deepEqual(readStatus(two), { value: 31, words: 'ServerView Agent not connected; and more & more' });
  t.deepEqual(readStatus('<Status><Value> 5 </Value></Status>'), { value: 5, words: '' });
  t.deepEqual(readStatus('<Status><Value>1</Value><Message>a &lt;b&gt; &amp; c</Message></Status>'), {
    value: 1,
    words: 'a <b> & c',
  });
});

test('what is no answer, and why', (t) => {
  const reads = (xml: string, says: RegExp): void => {
    const read = readStatus(xml);
    t.true(typeof read === 'string' && says.test(read), `${xml.slice(0, 60)}: ${JSON.stringify(read)}`);
  };
  reads('', /holds no status/);
  reads('<html><body>It works</body></html>', /holds no status/);
  reads('{"Status": 0}', /holds no status/);
  reads(OK.replace('<Value>0</Value>', ''), /status without a value/);
  reads(OK.replace('>0<', '><'), /status without a value/);
  reads(OK.replace('>0<', '>-1<'), /status without a value/);
  reads(OK.replace('>0<', '>0x0<'), /status without a value/);
  reads(OK.replace('>0<', '>99999999999<'), /status without a value/);
  reads(OK.replace('<Value>0</Value>', '<Value>0</Value><Value>31</Value>'), /status without a value/);
  reads(`<a>${OK.slice(38)}</a>`, /status without a value/);
  reads(OK.slice(0, -3), /not well-formed|not XML/);
  reads(OK.replace('No Error', 'No <CMD Error'), /not well-formed/);
  reads(`<!DOCTYPE Status [<!ENTITY v "0">]><Status><Value>&v;</Value></Status>`, /document type/);
  reads(`<Status><Value>0</Value>${'<a>'.repeat(500)}${'</a>'.repeat(500)}</Status>`, /not XML that can be read/);
  reads(`<Status><Value>0</Value><Message>${'x'.repeat(70_000)}</Message></Status>`, /longer than/);
});

test('what an iRMC says is printable and short, whatever it is', (t) => {
  const said = (words: string) => readStatus(`<Status><Value>31</Value><Error>${words}</Error></Status>`);
  t.deepEqual(said('one\n\t two\u0007\u001b[31m'), { value: 31, words: 'one two [31m' });
  const long = said('é'.repeat(5000));
  t.true(typeof long !== 'string' && long.words.length <= 203);
});

test('whatever comes is a status with a value, or a reason, and never an exception', (t) => {
  const mutated = fc
    .tuple(
      fc.constantFrom<string>(OK, NO_AGENT),
      fc.array(fc.tuple(fc.nat(400), fc.nat(3), fc.string({ maxLength: 12 }))),
    )
    .map(([xml, changes]) =>
      changes.reduce<string>((text, [at, cut, added]) => text.slice(0, at) + added + text.slice(at + cut), xml),
    );
  const nested = fc.nat(3000).map((depth) => `<Status>${'<Value>'.repeat(depth)}0${'</Value>'.repeat(depth)}</Status>`);
  const any = fc.oneof(mutated, nested, fc.string(), anyText({ maxLength: 2000 }));
  fc.assert(
    fc.property(any, (xml) => {
      const read = readStatus(xml);
      if (typeof read === 'string') return read.length > 0;
      return (
        Number.isInteger(read.value) && read.value >= 0 && !/[\p{Cc}]/u.test(read.words) && read.words.length <= 203
      );
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('a value that was not in the reply is never read from it', (t) => {
  fc.assert(
    fc.property(fc.nat(99_999), fc.string({ maxLength: 30 }), (value, noise) => {
      const read = readStatus(`<Status><Value>${value}</Value><Message>${noise}</Message></Status>`);
      return typeof read === 'string' || read.value === value;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('a request is what other clients send', (t) => {
  t.is(
    scciRequest('RequestShutdownAndOff'),
    `
<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<CMDSEQ>
  <CMD Context="SCCI" OC="RequestShutdownAndOff" OE="0" OI="0" Type="SET">
  </CMD>
</CMDSEQ>
`,
  );
});
