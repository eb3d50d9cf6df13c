/** What can be ordered about a plan. Its start and its rollback are asked about; its cancel never is. */
import { useState } from 'preact/hooks';
import {
  type ActionPlan,
  ActionPlanState,
  type PreviewRollbackResponse,
  UndoKind,
} from '../../gen/countermand/v1/action_plan.ts';
import { type Possible, PossibleVerb } from '../../gen/countermand/v1/power.ts';
import { newId } from '../chance.ts';
import { give, type House, useHouse } from '../context.ts';
import { typedNumber } from '../orders.ts';
import { Effect } from '../parts/effect.tsx';
import { Undos } from '../parts/undos.tsx';
import { addressOf } from '../place.ts';
import { counted } from '../words.ts';

interface PlanOrdersProps {
  readonly plan: ActionPlan;
  done(): void;
}

/** An order about a plan: what its button says, and what it does. */
interface PlanOrder {
  readonly label: string;
  readonly isBack: boolean;
  give(house: House, plan: ActionPlan): Promise<void>;
}

/** The orders. The conductor says which of them it would accept. */
export function PlanOrders({ plan, done }: PlanOrdersProps) {
  const house = useHouse();
  const [isBusy, setBusy] = useState(false);
  const orders = plan.possibleOrders.flatMap((possible) => ordersOf(possible, plan));
  const run = async (order: PlanOrder): Promise<void> => {
    setBusy(true);
    await order.give(house, plan).finally(() => setBusy(false));
    done();
  };
  return (
    <div class="buttons">
      {orders.map((order) => (
        <button
          key={order.label}
          type="button"
          class={order.isBack ? 'back' : ''}
          // What takes back is never held up by another order.
          disabled={isBusy && !order.isBack}
          onClick={() => run(order)}
        >
          {order.label}
        </button>
      ))}
    </div>
  );
}

function ordersOf(possible: Possible, { state }: ActionPlan): PlanOrder[] {
  const { queue, force } = possible;
  const how = [queue && ' behind other plans', force && ' although it is old']
    .filter((word) => word !== false)
    .join('');
  switch (possible.verb) {
    case PossibleVerb.START_ACTION_PLAN:
      return [{ label: `Start${how} …`, isBack: false, give: (house, plan) => start(house, plan, possible) }];
    case PossibleVerb.CANCEL_ACTION_PLAN: {
      const both = { label: 'Cancel and roll back …', isBack: false, give: cancelAndRollBack };
      return [{ label: 'Cancel', isBack: true, give: cancel }, ...(state === ActionPlanState.ONGOING ? [both] : [])];
    }
    case PossibleVerb.APPROVE_ACTION_PLAN:
      return [{ label: `Approve${how} …`, isBack: false, give: (house, plan) => approve(house, plan, possible) }];
    case PossibleVerb.REJECT_ACTION_PLAN:
      return [{ label: 'Reject', isBack: true, give: reject }];
    // Of a large plan the conductor says only that a preview has to be asked for.
    case PossibleVerb.ROLLBACK_ACTION_PLAN:
    case PossibleVerb.PREVIEW_ROLLBACK:
      return [{ label: 'Roll back …', isBack: false, give: rollBack }];
    default:
      return [];
  }
}

/** What a person has agreed to: why, and how many running nodes go down. */
interface Agreed {
  readonly reason: string;
  readonly count: number;
}

/** Asks whether a plan may begin. Null: it may not, or what it would do is not known. */
async function askToBegin(
  house: House,
  { uuid, name, size }: ActionPlan,
  verb: string,
  queue: boolean,
  takesReason = false,
): Promise<Agreed | null> {
  const preview = await give(
    house,
    () => house.conductor.plans.previewActionPlan({ actionPlan: uuid, queue }),
    ({ refused }) => refused,
  );
  if (preview === null || preview.refused !== '') return null;
  const { takesDown, effect } = preview;
  // Whoever approves it is the second person.
  const approvalWhy = verb === 'Start' ? preview.approvalWhy : '';
  const nodes = counted(effect?.nodes ?? 0, 'node');
  const reason = await house.ask({
    title: `${verb} ${counted(size, 'action')} about ${nodes}: ${name}`,
    body: <Effect effect={effect} takesDown={takesDown} approvalWhy={approvalWhy} />,
    yes: `${verb}: ${nodes}`,
    typed: typedNumber(takesDown),
    takesReason,
  });
  return reason === null ? null : { reason, count: takesDown?.count ?? 0 };
}

async function start(house: House, plan: ActionPlan, { queue, force }: Possible): Promise<void> {
  const { uuid: actionPlan, name } = plan;
  const agreed = await askToBegin(house, plan, 'Start', queue);
  if (agreed === null) return;
  await give(
    house,
    () => house.conductor.plans.startActionPlan({ actionPlan, queue, force, expectTakenDown: agreed.count }),
    () => `${name} is started`,
  );
}

/** What was shown is what is decided on: a plan that has changed meanwhile is refused. */
async function approve(house: House, plan: ActionPlan, { queue }: Possible): Promise<void> {
  const { uuid: actionPlan, name, revision } = plan;
  const agreed = await askToBegin(house, plan, 'Approve', queue, true);
  if (agreed === null) return;
  await give(
    house,
    () => house.conductor.plans.approveActionPlan({ actionPlan, queue, revision, reason: agreed.reason }),
    () => `${name} is approved`,
  );
}

async function reject(house: House, { uuid, name }: ActionPlan): Promise<void> {
  await give(
    house,
    () => house.conductor.plans.rejectActionPlan({ actionPlan: uuid }),
    () => `${name} is rejected`,
  );
}

async function cancel(house: House, { uuid, name }: ActionPlan): Promise<void> {
  await give(
    house,
    () => house.conductor.plans.orderCancel({ actionPlan: uuid }),
    () => `${name} is being cancelled`,
  );
}

/** What a rollback would do, or null if it is refused: then the reason was told. */
async function previewOf(house: House, uuid: string): Promise<PreviewRollbackResponse | null> {
  const preview = await give(
    house,
    () => house.conductor.plans.previewRollback({ actionPlan: uuid }),
    ({ refused }) => refused,
  );
  return preview === null || preview.refused !== '' ? null : preview;
}

async function cancelAndRollBack(house: House, { uuid, name }: ActionPlan): Promise<void> {
  const preview = await previewOf(house, uuid);
  if (preview === null) return;
  const { takesDown, effect } = preview;
  const nodes = counted(effect?.nodes ?? 0, 'node');
  const reason = await house.ask({
    title: `Cancel and roll back ${nodes}: ${name}`,
    body: <Undos preview={preview} />,
    yes: `Cancel and roll back: ${nodes}`,
    typed: typedNumber(takesDown),
  });
  if (reason === null) return;
  const expectTakenDown = takesDown?.count ?? 0;
  await give(
    house,
    () => house.conductor.plans.orderCancel({ actionPlan: uuid, rollback: true, expectTakenDown }),
    () => `${name} is being cancelled, and then rolled back`,
  );
}

async function rollBack(house: House, { uuid, name }: ActionPlan): Promise<void> {
  const preview = await previewOf(house, uuid);
  if (preview === null) return;
  const { takesDown, effect } = preview;
  const nodes = counted(effect?.nodes ?? 0, 'node');
  const reason = await house.ask({
    title: `Roll back ${nodes}: ${name}`,
    body: <Undos preview={preview} />,
    yes: `Roll back: ${nodes}`,
    typed: typedNumber(takesDown),
  });
  if (reason === null) return;
  // The question has shown both.
  const skipIrreversible = preview.undos.some(({ kind }) => kind === UndoKind.IRREVERSIBLE);
  const acceptDrift = preview.undos.some(({ drift }) => drift !== '');
  const how = { skipIrreversible, acceptDrift, requestId: newId(), expectTakenDown: takesDown?.count ?? 0 };
  const made = await give(
    house,
    () => house.conductor.plans.orderRollback({ actionPlan: uuid, ...how }),
    () => `${name} is being rolled back`,
  );
  if (made?.actionPlan) location.hash = addressOf('plans', made.actionPlan.uuid);
}
