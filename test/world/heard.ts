/** What a world tells of: what is sent to agents, and what they do to the hardware. */
import type { OrderTarget } from '../../src/core/power.ts';
import type { AttachResponse } from '../../src/gen/countermand/v1/agent.ts';

/** One thing that reached a BMC. */
export interface Received {
  readonly at: number;
  readonly address: string;
  readonly target: OrderTarget | 'recall';
}

/** A message of a conductor to an agent. */
export interface Sent {
  readonly agent: string;
  /** Under which epoch; 0 from a conductor that is alone. */
  readonly epoch: number;
  /** For how long the conductor certainly leads, in milliseconds. */
  readonly leadsForMs: number;
  readonly message: NonNullable<AttachResponse['message']>;
}

/** One look at a BMC: which agent asked, and when. */
export interface Look {
  readonly at: number;
  readonly address: string;
  readonly agent: string;
}
