/** The simulated iRMC with TLS, asked with Fujitsu's own client. */
import test from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newAuthority, selfSigned } from '../counterparts/certificates.ts';
import { ScciClient } from '../counterparts/scciclient.ts';
import { newSimIrmc } from '../counterparts/sim_irmc.ts';

const client = new ScciClient();
test.after.always(() => client.close());

test('a certificate of a known authority', async (t) => {
  const authority = await newAuthority(t);
  const tested = await newSimIrmc(t, { tls: await authority.issue(ownAddress()), generation: 'S6' });
  t.is(await client.ask(tested, 'POWER_OFF', { authority: authority.file }), 'done');
  t.is(tested.irmc.host.power, 'power off');
});

test('an authority that is not known', async (t) => {
  const [known, other] = [await newAuthority(t), await newAuthority(t)];
  const tested = await newSimIrmc(t, { tls: await other.issue(ownAddress()) });
  t.regex(await client.ask(tested, 'POWER_OFF', { authority: known.file }), /certificate verify failed/i);
  t.deepEqual(tested.irmc.received, []);
});

test('a certificate that has expired', async (t) => {
  const authority = await newAuthority(t);
  const tested = await newSimIrmc(t, { tls: await authority.issueExpired(ownAddress()) });
  t.regex(await client.ask(tested, 'POWER_OFF', { authority: authority.file }), /expired/);
});

test('a certificate for another name', async (t) => {
  const authority = await newAuthority(t);
  const tested = await newSimIrmc(t, { tls: await authority.issue('irmc.example.org') });
  t.regex(await client.ask(tested, 'POWER_OFF', { authority: authority.file }), /doesn't match|mismatch/);
});

test('one that vouches for itself, and is not checked', async (t) => {
  const tested = await newSimIrmc(t, { tls: await selfSigned(t, ownAddress()) });
  t.is(await client.ask(tested, 'POWER_SOFT_OFF'), 'done');
});

test('an S6 says nothing without TLS', async (t) => {
  const tested = await newSimIrmc(t, { generation: 'S6' });
  t.regex(await client.ask(tested, 'POWER_OFF'), /STATUS CODE = 404/);
});
