/** AgentService: where agents attach. */
import type { AgentServiceImplementation } from '../../gen/countermand/v1/agent.ts';
import type { Asked } from '../access/identity.ts';
import { underCall } from './calls.ts';
import type { Connections } from './connections.ts';
import type { Front } from './front.ts';

/** The service of whoever serves, and the connections on which agents attach. */
export function createAgentService(
  front: Front,
  connections: Pick<Connections, 'agentOn'>,
): AgentServiceImplementation<Asked> {
  return {
    async *attach(incoming, context) {
      const { attachments, shutdown } = front.term.conductor;
      let leave = (): void => {};
      let isAttached = false;
      const from = { embedded: false, identity: context.identity, peer: context.peer };
      const attach = (signal: AbortSignal) => attachments.attach(incoming, signal, from);
      try {
        for await (const message of underCall(context, shutdown, (signal) => attach(signal))) {
          // The first message says that it is attached.
          if (!isAttached) leave = connections.agentOn(context.peer);
          isAttached = true;
          yield message;
        }
      } finally {
        leave();
      }
    },
  };
}
