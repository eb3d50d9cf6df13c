import * as z from 'zod';
import { fail } from '../../../../core/errors.ts';
import { sleep } from '../../../../core/signals.ts';
import { defineActionType } from '../action_type.ts';
import { aboutComputeHost, type ComputeHost, computeHostOfAction, LOOK_MS, nodeParameter, steadily } from './host.ts';
import { mayStay, movesAt } from './looking.ts';

const schema = z.strictObject({
  resource_id: nodeParameter,
  except: z.array(z.uuid()).max(10_000).default([]).describe('Instances that stay on the host; each must not run.'),
});

/** What is just ending is waited for this long. */
const WAIT_MS = 60_000;
const NAMED = 5;

/** The action type `check_compute_host`: what a host must be before its node is powered off. It changes nothing. */
export const checkComputeHost = defineActionType<z.infer<typeof schema>>({
  name: 'check_compute_host',
  meaning:
    'fails unless the host of a node is empty: no instance runs on it, none is being moved from or to it, and no cold migration from it waits to be confirmed',
  schema,
  ...aboutComputeHost,

  async execute({ except }, context, signal) {
    const at = await computeHostOfAction(context);
    const { clock } = context.parts.orders.store;
    const since = clock.monotonic();
    for (;;) {
      const found = await steadily(() => whatIsLeft(at, new Set(except), signal), context, signal);
      if (found.length === 0) return { outcome: 'EMPTY', message: `host ${at.host} is empty` };
      if (clock.monotonic() - since >= WAIT_MS) {
        const more = found.length > NAMED ? `, and ${found.length - NAMED} more` : '';
        throw fail('HOST_NOT_EMPTY', `host ${at.host} is not empty: ${found.slice(0, NAMED).join('; ')}${more}`);
      }
      await sleep(LOOK_MS, clock, signal);
    }
  },
});

/** What is in the way, a phrase for each thing. */
async function whatIsLeft({ compute, host }: ComputeHost, except: ReadonlySet<string>, signal: AbortSignal) {
  const instances = await compute.instancesOn(host, signal);
  const moves = movesAt(host, await compute.migrationsAt(host, signal));
  const isFine = (each: (typeof instances)[number]): boolean =>
    except.has(each.uuid) && each.taskState === null && mayStay(each);
  return [
    ...instances.filter((each) => !isFine(each)).map(({ name, status }) => `${name} is on it, ${status}`),
    ...moves,
  ];
}
