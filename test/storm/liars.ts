/** Agents that are none: they attach, claim zones and drivers, report on tasks of others, answer what was never asked, and go. */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { systemClock } from '../../src/core/clock.ts';
import { AttachRequest, Sending } from '../../src/gen/countermand/v1/agent.ts';
import { PowerState, PowerTaskPhase } from '../../src/gen/countermand/v1/power.ts';
import type { SeededChance } from '../world/chance.ts';

const PATH = '/countermand.v1.AgentService/Attach';
const identity = (bytes: Buffer): Buffer => bytes;

/**
 * Attaches once, lies for a while, and leaves, with or without a farewell. Resolves when the stream has ended. Never rejects.
 * @param taskUuids ids of tasks that have been seen
 * @param zones those that are really served are not among them
 */
export function lie(
  address: string,
  taskUuids: readonly string[],
  zones: readonly string[],
  chance: SeededChance,
): Promise<void> {
  const client = new Client(address, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
  const stream = client.makeBidiStreamRequest(PATH, identity, identity);
  const send = (message: AttachRequest['message']): void => {
    stream.write(Buffer.from(AttachRequest.encode(AttachRequest.fromPartial({ message } as never)).finish()));
  };
  return new Promise((resolve) => {
    const leave = (): void => {
      stream.cancel();
      client.close();
      resolve();
    };
    stream.on('error', leave);
    stream.on('end', leave);
    stream.on('data', () => {});
    if (chance.happens(0.9)) send({ $case: 'hello', value: helloOf(zones, chance) as never });
    for (let count = chance.between(0, 30); count > 0; count -= 1) tell(taskUuids, chance, stream, send);
    systemClock.after(chance.between(10, 500), leave);
  });
}

function helloOf(zones: readonly string[], chance: SeededChance): object {
  const many = chance.pick([1, 1, 1, 60, 5000]);
  const driver = {
    name: chance.pick(['ipmi', 'fake', 'rogue']),
    driverInfoSchema: chance.pick(['{}', '{', '[]', 'null']),
  };
  return {
    agentUuid: chance.uuid(),
    name: chance.pick(['liar', '', 'x'.repeat(300)]),
    zones: Array.from({ length: many }, (_, at) => `${chance.pick(zones)}${at === 0 ? '' : at}`),
    drivers: Array.from({ length: many }, (_, at) => ({
      ...driver,
      name: at === 0 ? driver.name : `d${at}`,
      targets: [],
      recalls: [],
    })),
    embedded: chance.happens(0.5),
  };
}

function tell(
  taskUuids: readonly string[],
  chance: SeededChance,
  stream: ClientDuplexStream<Buffer, Buffer>,
  send: (message: AttachRequest['message']) => void,
): void {
  const kind = chance.pick(['report', 'report', 'answer', 'heartbeat', 'garbage', 'hello']);
  if (kind === 'garbage') stream.write(chance.bytes(chance.between(0, 100)));
  if (kind === 'heartbeat') send({ $case: 'heartbeat', value: { sessions: [] } });
  if (kind === 'hello') send({ $case: 'hello', value: helloOf(['nowhere'], chance) as never });
  if (kind === 'answer')
    send({
      $case: 'answer',
      value: { askId: chance.between(0, 50), answer: { $case: 'parsed', value: { bmcKey: 'mine' } } },
    } as never);
  if (kind !== 'report') return;
  const value = {
    taskUuid: taskUuids.length > 0 ? chance.pick(taskUuids) : chance.uuid(),
    fence: chance.between(0, 6),
    phase: chance.pick([PowerTaskPhase.WHOLE, PowerTaskPhase.DOWN, PowerTaskPhase.UP]),
    sending: chance.pick([Sending.ACCEPTED, Sending.READY, Sending.NOT_SENT, Sending.UNKNOWN]),
    observed: { powerState: chance.pick([PowerState.ON, PowerState.OFF]) },
    seenDown: true,
    error: { code: 'BMC_REFUSED', message: 'x'.repeat(chance.pick([1, 10_000])) },
  };
  send({ $case: 'report', value } as never);
}
