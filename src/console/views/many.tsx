/** Orders for the nodes that were picked: a plan, which is asked about; aborts, which are not. */
import { firstNames } from '../../cli/shared/words.ts';
import { AbortOutcome, PowerTarget } from '../../gen/countermand/v1/power.ts';
import { failureOf } from '../calls.ts';
import { newId } from '../chance.ts';
import { give, type House, useHouse } from '../context.ts';
import { forEach, planFor, typedNumber } from '../orders.ts';
import { Effect } from '../parts/effect.tsx';
import { Said } from '../parts/said.tsx';
import { addressOf } from '../place.ts';
import { counted, targetLabel } from '../words.ts';

const ORDERS: readonly PowerTarget[] = [
  PowerTarget.ON,
  PowerTarget.SOFT_POWER_OFF,
  PowerTarget.SOFT_REBOOT,
  PowerTarget.OFF,
  PowerTarget.REBOOT,
  PowerTarget.INJECT_NMI,
];
const ABORTS: readonly PowerTarget[] = [
  PowerTarget.ABORT_SOFT_POWER_OFF,
  PowerTarget.ABORT_SOFT_REBOOT,
  PowerTarget.ABORT_INJECT_NMI,
];

interface ManyOrdersProps {
  /** The names of the nodes. */
  readonly picked: readonly string[];
  clear(): void;
}

/** The orders; nothing while no node is picked. */
export function ManyOrders({ picked, clear }: ManyOrdersProps) {
  const house = useHouse();
  if (picked.length === 0) return null;
  const many = counted(picked.length, 'node');
  const order = async (target: PowerTarget): Promise<void> => {
    if (await orderMany(house, picked, target)) clear();
  };
  return (
    <section class="many" aria-label={`Orders for ${many}`}>
      <p>
        <strong>{many} picked:</strong> <Said text={firstNames(picked.slice(0, 5), 5, picked.length)} />
      </p>
      <div class="buttons">
        {ORDERS.map((target) => (
          <button key={target} type="button" onClick={() => order(target)}>
            {targetLabel(target)} …
          </button>
        ))}
        {ABORTS.map((target) => (
          <button key={target} type="button" class="back" onClick={() => abortMany(house, picked, target)}>
            {targetLabel(target)}
          </button>
        ))}
        <button type="button" onClick={clear}>
          Pick none
        </button>
      </div>
    </section>
  );
}

/** Asks about the plan of an order, starts it, and goes to its page. Answers whether it was started. */
async function orderMany(house: House, nodes: readonly string[], target: PowerTarget): Promise<boolean> {
  const wanted = planFor(nodes, target, newId());
  const many = counted(nodes.length, 'node');
  const preview = await give(
    house,
    () => house.conductor.plans.previewActionPlan({ wanted }),
    ({ refused }) => refused,
  );
  if (preview === null || preview.refused !== '') return false;
  const { effect, takesDown, approvalWhy } = preview;
  const reason = await house.ask({
    title: `${targetLabel(target)}: ${many}`,
    body: <Effect effect={effect} takesDown={takesDown} approvalWhy={approvalWhy} />,
    yes: `${targetLabel(target)}: ${many}`,
    typed: typedNumber(takesDown),
    takesReason: true,
  });
  if (reason === null) return false;
  const made = await give(
    house,
    () =>
      house.conductor.plans.createActionPlan({
        ...wanted,
        reason,
        start: true,
        expectTakenDown: takesDown?.count ?? 0,
      }),
    () => `the plan for ${many} is started`,
  );
  if (!made?.actionPlan) return false;
  location.hash = addressOf('plans', made.actionPlan.uuid);
  return true;
}

/** Gives an abort to each of the nodes, and tells how many had something to abort. */
async function abortMany(house: House, nodes: readonly string[], target: PowerTarget): Promise<void> {
  let aborting = 0;
  const refused: string[] = [];
  await forEach(nodes, async (node) => {
    try {
      const { task } = await house.conductor.power.orderPowerState({ node, target, requestId: newId() });
      if (task?.abort?.outcome !== AbortOutcome.NOTHING_TO_ABORT) aborting += 1;
    } catch (error) {
      refused.push(`${node}: ${failureOf(error).sentence}`);
    }
  });
  const told = `${targetLabel(target)}: of ${counted(nodes.length, 'node')}, ${aborting} had something to abort`;
  house.tell([told, ...refused.slice(0, 3)].join('; '), refused.length > 0);
}
