/** What a conductor still sends that leads no more, and has not been told by a timer: nothing. */
import test from 'ava';
import { openChannel } from '../../../src/core/channel.ts';
import { type CountermandError, fail } from '../../../src/core/errors.ts';
import { openCancellation } from '../../../src/core/signals.ts';
import { AttachRequest } from '../../../src/gen/countermand/v1/agent.ts';
import { Admission } from '../../../src/server/agents/admission.ts';
import { Attachments } from '../../../src/server/agents/attachments.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';

test('an order that was decided on before a leader was stopped is not sent when it goes on', async (t) => {
  let objection: CountermandError | null = null;
  const attachments = new Attachments(
    'conductor',
    { agentLeaseMs: 30_000, askTimeoutMs: 30_000 },
    new VirtualClock(),
    openCancellation([]).signal,
    new Admission('refuse'),
    { epoch: 7, leaseMs: 3000, objection: () => objection },
  );
  const stream = openCancellation([]);
  const outgoing = openChannel<AttachRequest>(stream.signal);
  const drivers = [{ name: 'fake', driverInfoSchema: '{}' }];
  const hello = { agentUuid: 'a1', name: 'a1', zones: ['north'], drivers };
  outgoing.push(AttachRequest.fromPartial({ message: { $case: 'hello', value: hello } } as never));
  const received = attachments.attach(outgoing, stream.signal);
  const { value } = await received.next();
  t.like(value, {
    message: { $case: 'welcome', value: { epoch: 7, silenceLimitMs: 3000, heartbeatIntervalMs: 1000 } },
  });
  const [attachment] = attachments.list();
  objection = fail('LEADERSHIP_LOST', 'another one leads');
  attachment?.send({ $case: 'go', value: { taskUuid: 't1', fence: 1, command: 1, phase: 1 } });
  await t.throwsAsync(received.next(), { code: 'LEADERSHIP_LOST' } as object);
  stream.abort(fail('CALL_ENDED', 'the test is over'));
});
