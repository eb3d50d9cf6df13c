/** What an agent says of a conductor that it does not reach. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import { dialConductor } from '../../src/agent/dial.ts';
import { never } from '../counterparts/signals.ts';

test('where nothing listens, the reason is said in a sentence, without what grpc puts around it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.close();
  const dialer = dialConductor(address, null, () => null);
  t.teardown(() => dialer.close());
  const attached = dialer.attach((async function* () {})(), never())[Symbol.asyncIterator]();
  await t.throwsAsync(attached.next(), {
    code: 'ATTACHMENT_ENDED',
    message: `there is no connection to the conductor at ${address}: connect ECONNREFUSED ${address}`,
  });
});
