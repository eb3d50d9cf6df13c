/** A real RabbitMQ that the tests of a file share. */
import test from 'ava';
import { type OpenRabbit, openRabbit, type RabbitBroker, type RabbitIdentity } from './rabbitmq_server.ts';

export type { RabbitBroker };

/** The broker of this process, started when it is first asked for, and ended after the last test. Call this once, at the top of the file. */
export function sharedRabbit(): (identity: RabbitIdentity) => Promise<RabbitBroker> {
  let opened: Promise<OpenRabbit> | null = null;
  test.after.always(async () => {
    await (await opened?.catch(() => null))?.stop();
  });
  return async (identity) => {
    opened ??= openRabbit(identity);
    return (await opened).broker;
  };
}
