/** What an operator sees of callers that are not let in. */
import test from 'ava';
import { fail } from '../../../src/core/errors.ts';
import type { Credentials } from '../../../src/server/access/identity.ts';
import { tellRefused } from '../../../src/server/api/refused_callers.ts';
import { MetricRegistry } from '../../../src/server/metrics/registry.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

const CREDENTIALS: Credentials = { authorization: 'Basic c2VjcmV0', token: null, certificate: null, peer: '10.0.0.9' };

test('refused callers are counted by their code; the log has the first at once, and how many came until the next line', async (t) => {
  const [clock, registry, lines] = [new VirtualClock(), new MetricRegistry(), [] as object[]];
  const log = { warn: (fields: object) => void lines.push(fields) };
  let refusal = fail('UNAUTHENTICATED', 'the user name or the password is wrong');
  let isGood = false;
  const known = { name: 'basic:alice', agentZones: null };
  const identify = tellRefused(
    async () => {
      if (isGood) return known;
      throw refusal;
    },
    { log, registry, clock },
  );
  for (let tries = 0; tries < 5; tries += 1) await t.throwsAsync(identify(CREDENTIALS), { is: refusal });
  isGood = true;
  t.is(await identify(CREDENTIALS), known);
  isGood = false;
  await clock.turn(10_000);
  refusal = fail('TOO_MANY_LOGINS', 'too many');
  await t.throwsAsync(identify(CREDENTIALS), { is: refusal });
  const of = { peer: '10.0.0.9' };
  t.deepEqual(lines, [
    { ...of, code: 'UNAUTHENTICATED', reason: 'the user name or the password is wrong', refused: 1 },
    { ...of, code: 'TOO_MANY_LOGINS', reason: 'too many', refused: 5 },
  ]);
  const text = await registry.text();
  t.regex(text, /^countermand_callers_refused_total\{code="UNAUTHENTICATED"\} 5$/m);
  t.regex(text, /^countermand_callers_refused_total\{code="TOO_MANY_LOGINS"\} 1$/m);
});
