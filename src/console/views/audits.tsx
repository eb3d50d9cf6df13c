/** The audits: why plans exist, and when there will be more. */
import { useState } from 'preact/hooks';
import { enumName } from '../../cli/shared/words.ts';
import { type Audit, AuditState, AuditType } from '../../gen/countermand/v1/audit.ts';
import { type Possible, PossibleVerb } from '../../gen/countermand/v1/power.ts';
import { give, type House, useAsked, useHouse } from '../context.ts';
import { typedNumber } from '../orders.ts';
import { Effect } from '../parts/effect.tsx';
import { Refused, Said, State } from '../parts/said.tsx';
import { addressOf } from '../place.ts';
import { counted, stateTone, timeWords } from '../words.ts';

const PAGE = 50;

/** The page. */
export function Audits() {
  const { conductor } = useHouse();
  const [pageSize, setPageSize] = useState(PAGE);
  const { answer, refused, again } = useAsked(
    (signal) => conductor.audits.listAudits({ pageSize }, { signal }),
    `${pageSize}`,
    'audits',
  );
  return (
    <>
      <h1 tabIndex={-1}>Audits</h1>
      <Refused sentence={refused} />
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Audit</th>
              <th scope="col">State</th>
              <th scope="col">Goal and strategy</th>
              <th scope="col">Runs</th>
              <th scope="col">Next run</th>
              <th scope="col">Newest plan</th>
              <th scope="col">What was said</th>
              <th scope="col">Orders</th>
            </tr>
          </thead>
          <tbody>
            {answer?.audits.map((audit) => (
              <AuditRow key={audit.uuid} audit={audit} done={again} />
            ))}
          </tbody>
        </table>
      </div>
      {answer?.audits.length === 0 && <p class="empty">There is no audit</p>}
      {answer?.nextPageToken && (
        <button type="button" onClick={() => setPageSize(Math.min(1000, pageSize + PAGE))}>
          Show older ones
        </button>
      )}
    </>
  );
}

interface AuditRowProps {
  readonly audit: Audit;
  done(): void;
}

function AuditRow({ audit, done }: AuditRowProps) {
  const house = useHouse();
  const state = enumName(AuditState, audit.state);
  const orders = audit.possibleOrders.flatMap((possible) => orderOf(possible) ?? []);
  const seconds = `every ${audit.interval.toLocaleString('en')} s`;
  return (
    <tr>
      <td>
        <Said text={audit.name} />
      </td>
      <td>
        <State name={state} tone={stateTone(state)} />
      </td>
      <td>
        <Said text={`${audit.goal}, ${audit.strategy}`} />
      </td>
      <td>
        {audit.auditType === AuditType.CONTINUOUS ? seconds : 'once'}
        {audit.autoTrigger && ', starts its plans'}
      </td>
      <td>{timeWords(audit.nextRunAt)}</td>
      <td>
        <NewestPlan audit={audit.uuid} />
      </td>
      <td>
        <Said text={audit.statusMessage} />
      </td>
      <td class="buttons">
        {orders.map(({ label, isBack, call }) => (
          <button key={label} type="button" class={isBack ? 'back' : ''} onClick={() => call(house, audit).then(done)}>
            {label}
          </button>
        ))}
      </td>
    </tr>
  );
}

/** The plan that an audit has made last, asked for when a person wants it: a list of audits would be many questions. */
function NewestPlan({ audit }: { readonly audit: string }) {
  const house = useHouse();
  const open = async (): Promise<void> => {
    const answer = await give(
      house,
      () => house.conductor.plans.listActionPlans({ audit, pageSize: 1 }),
      ({ actionPlans }) => (actionPlans.length === 0 ? 'the audit has made no plan' : ''),
    );
    const [plan] = answer?.actionPlans ?? [];
    if (plan) location.hash = addressOf('plans', plan.uuid);
  };
  return (
    <button type="button" onClick={open}>
      Go to its plan
    </button>
  );
}

interface AuditOrder {
  readonly label: string;
  readonly isBack: boolean;
  call(house: House, audit: Audit): Promise<unknown>;
}

function orderOf({ verb }: Possible): AuditOrder | null {
  switch (verb) {
    case PossibleVerb.SUSPEND_AUDIT:
      return { label: 'Suspend', isBack: true, call: suspend };
    case PossibleVerb.CANCEL_AUDIT:
      return { label: 'Cancel', isBack: true, call: cancel };
    case PossibleVerb.RESUME_AUDIT:
      return { label: 'Resume …', isBack: false, call: resume };
    default:
      return null;
  }
}

const suspend = (house: House, { uuid, name }: Audit): Promise<unknown> =>
  give(
    house,
    () => house.conductor.audits.suspendAudit({ audit: uuid }),
    () => `${name} is suspended`,
  );

const cancel = (house: House, { uuid, name }: Audit): Promise<unknown> =>
  give(
    house,
    () => house.conductor.audits.cancelAudit({ audit: uuid }),
    () => `${name} is cancelled`,
  );

/** Asks first: an audit that runs again may start plans by itself. */
async function resume(house: House, { uuid, name, autoTrigger }: Audit): Promise<void> {
  const { audits } = house.conductor;
  const preview = await give(
    house,
    () => audits.previewAudit({ audit: uuid }),
    () => '',
  );
  if (preview === null) return;
  const { takesDown, effect } = preview;
  const nodes = counted(effect?.nodes ?? 0, 'node');
  const reason = await house.ask({
    title: `Resume the audit ${name}: ${nodes}`,
    body: (
      <>
        <p>{autoTrigger ? 'It starts its plans by itself.' : 'It makes plans, and starts none of them.'}</p>
        <Effect effect={effect} takesDown={takesDown} />
      </>
    ),
    yes: `Resume: ${nodes}`,
    typed: autoTrigger ? typedNumber(takesDown) : undefined,
  });
  if (reason === null) return;
  const expectTakenDown = autoTrigger ? (takesDown?.count ?? 0) : undefined;
  await give(
    house,
    () => audits.resumeAudit({ audit: uuid, expectTakenDown }),
    () => `${name} is resumed`,
  );
}
