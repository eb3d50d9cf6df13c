/** One node: why it is as it is, what can be ordered, and what was. */
import { useState } from 'preact/hooks';
import { powerStateWord, problemSentence, recallWords, spanWords, targetWord } from '../../cli/shared/words.ts';
import type { Node as NodeRow, PossibleOrder } from '../../gen/countermand/v1/node.ts';
import { type Possible, PossibleVerb, type PowerTask } from '../../gen/countermand/v1/power.ts';
import { newId } from '../chance.ts';
import { give, type House, useAsked, useHouse, useNow, useStream } from '../context.ts';
import { Refused, Said, State } from '../parts/said.tsx';
import { addressOf } from '../place.ts';
import { isDangerous, labelTexts, powerTone, takesBack, targetLabel, timeWords } from '../words.ts';
import { Tasks } from './tasks.tsx';

/** The page. */
export function Node({ name }: { readonly name: string }) {
  const house = useHouse();
  const { conductor } = house;
  const [changes, setChanges] = useState(0);
  const { refused } = useStream(
    (signal) => conductor.nodes.watchNodes({ nodes: [name] }, { signal }),
    (message) => message !== null && setChanges((before) => before + 1),
    name,
  );
  const why = useAsked((signal) => conductor.nodes.explainNode({ node: name }, { signal }), `${name} ${changes}`, name);
  const nowMs = useNow();
  const { node, holder, explanation = [], possible = [] } = why.answer ?? {};
  return (
    <>
      <h1 tabIndex={-1}>
        <Said text={node?.name ?? name} />
      </h1>
      <Refused sentence={refused || why.refused} />
      {node && <Facts node={node} nowMs={nowMs} />}
      {holder && <Held task={holder} nowMs={nowMs} done={why.again} />}
      <section aria-labelledby="why">
        <h2 id="why">Why it is so</h2>
        <ul>
          {explanation.map((sentence) => (
            <li key={sentence}>
              <Said text={sentence} />
            </li>
          ))}
        </ul>
      </section>
      {node && (
        <section aria-labelledby="orders">
          <h2 id="orders">What can be ordered now</h2>
          <div class="buttons">
            {ordersOf(possible, holder).map(({ target, meaning }) => (
              <button
                key={target}
                type="button"
                title={meaning}
                class={takesBack(target) ? 'back' : ''}
                onClick={() => order(house, { node: name, target, meaning }).then(why.again)}
              >
                {targetLabel(target)}
                {isDangerous(target) ? ' …' : ''}
              </button>
            ))}
            <button type="button" onClick={() => refresh(house, name).then(why.again)}>
              Read the power state now
            </button>
          </div>
        </section>
      )}
      <Tasks node={name} changes={changes} />
    </>
  );
}

/** What can be ordered: the aborts of the order that holds the node stand beside that. */
function ordersOf(possible: readonly PossibleOrder[], holder: PowerTask | undefined): readonly PossibleOrder[] {
  return holder === undefined ? possible : possible.filter(({ target }) => !takesBack(target));
}

function Facts({ node, nowMs }: { readonly node: NodeRow; readonly nowMs: number }) {
  const leftMs = (node.mayStillChangeUntil?.getTime() ?? 0) - nowMs;
  const facts: readonly (readonly [term: string, text: string])[] = [
    ['Read', node.powerStateReadAt ? timeWords(node.powerStateReadAt) : 'never'],
    ['On its way to', targetWord(node.targetPowerState)],
    ['May still change', leftMs > 0 ? `for ${spanWords(leftMs)}` : ''],
    ['Problem', problemSentence(node.problem, nowMs)],
    ['Last error', node.lastError],
    ['Maintenance', node.maintenance ? node.maintenanceReason || 'yes' : ''],
    ['Another server answers', node.otherGuid],
    ['Zone', node.zone],
    ['Driver', node.driver],
    ['Labels', labelTexts(node.labels).join(', ')],
    ['Uuid', node.uuid],
  ];
  return (
    <dl class="facts">
      <div>
        <dt>Power</dt>
        <dd>
          <State name={powerStateWord(node.powerState)} tone={powerTone(node.powerState)} />
        </dd>
      </div>
      {facts
        .filter(([, text]) => text !== '')
        .map(([term, text]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>
              <Said text={text} />
            </dd>
          </div>
        ))}
    </dl>
  );
}

interface HeldProps {
  readonly task: PowerTask;
  readonly nowMs: number;
  done(): void;
}

/** The order that holds the node, and how to take it back: that is never asked about. */
function Held({ task, nowMs, done }: HeldProps) {
  const house = useHouse();
  const since = task.sendingAt ?? task.createdAt;
  return (
    <section class="notice busy" aria-labelledby="held">
      <h2 id="held">
        Held by an order: {targetWord(task.target)}
        {since && `, for ${spanWords(nowMs - since.getTime())}`}
      </h2>
      <p>
        {recallWords(task.recall)}.{' '}
        {task.planUuid !== '' && <a href={addressOf('plans', task.planUuid)}>A plan has given it</a>}{' '}
        <Said text={task.reason} />
      </p>
      <div class="buttons">
        {task.possibleOrders.map((possible) => (
          <button
            key={`${possible.verb} ${possible.powerTarget}`}
            type="button"
            class="back"
            onClick={() => takeBack(house, possible).then(done)}
          >
            {possible.verb === PossibleVerb.WITHDRAW_POWER_TASK
              ? possible.stopWaiting
                ? 'Stop waiting for it'
                : 'Withdraw it'
              : targetLabel(possible.powerTarget)}
          </button>
        ))}
      </div>
    </section>
  );
}

interface NodeOrder {
  readonly node: string;
  readonly target: PowerTask['target'];
  readonly meaning: string;
}

/** Gives one order; one that stops or interrupts the node only when a person has said so once more. */
async function order(house: House, { node, target, meaning }: NodeOrder): Promise<void> {
  const label = targetLabel(target);
  const reason = !isDangerous(target)
    ? ''
    : await house.ask({
        title: `${label}: 1 node`,
        body: (
          <p>
            <Said text={`${node}: ${meaning}`} />
          </p>
        ),
        yes: `${label}: 1 node`,
        takesReason: true,
      });
  if (reason === null) return;
  const asked = { node, target, requestId: newId(), reason };
  await give(
    house,
    () => house.conductor.power.orderPowerState(asked),
    ({ task }) => `${node}: ${targetWord(target)} accepted; ${recallWords(task?.recall ?? 0)}`,
  );
}

async function takeBack(house: House, possible: Possible): Promise<void> {
  const { power } = house.conductor;
  const { resource, stopWaiting, powerTarget, abortsTaskUuid } = possible;
  if (possible.verb === PossibleVerb.WITHDRAW_POWER_TASK)
    await give(
      house,
      () => power.withdrawPowerTask({ task: resource, stopWaiting }),
      () => 'the order is given up',
    );
  else
    await give(
      house,
      () => power.orderPowerState({ node: resource, target: powerTarget, abortsTaskUuid, requestId: newId() }),
      ({ task }) => `${targetLabel(powerTarget)}: ${task?.abort?.reason || 'accepted'}`,
    );
}

async function refresh({ conductor, tell }: House, node: string): Promise<void> {
  const read = async (): Promise<string> => {
    for await (const { observed, reason } of conductor.nodes.refreshNodes({ nodes: [node] }))
      return reason === '' ? `${node} was read: ${powerStateWord(observed)}` : `${node}: ${reason}`;
    return `${node} was not read`;
  };
  await give({ conductor, tell } as House, read, (sentence) => sentence);
}
