/** AgentService: where agents attach. */
import type { AgentServiceImplementation } from '../../gen/countermand/v1/agent.ts';
import type { Conductor } from '../conductor.ts';
import { underCall } from './calls.ts';

/** The service over a conductor. */
export function createAgentService({ attachments, shutdown }: Conductor): AgentServiceImplementation {
  return {
    attach: (incoming, context) => underCall(context, shutdown, (signal) => attachments.attach(incoming, signal)),
  };
}
