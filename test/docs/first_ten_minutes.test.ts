/**
 * What README and docs/first_ten_minutes.md show in consoles is what happens.
 * `UPDATE=1 npx ava test/docs/first_ten_minutes.test.ts` writes the outputs of the latter anew: commit only what you understand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { ActionPlanState } from '../../src/gen/countermand/v1/action_plan.ts';
import { allTasks, type Client } from '../e2e/client.ts';
import { openHouse } from '../e2e/house.ts';
import { untilIn, watchNode, watchTask } from '../e2e/orders.ts';
import { actionsNow, watchPlan } from '../e2e/plans.ts';
import { masked, runShown, type Shown, shownIn, unrolled, withOutputs } from './console.ts';

const pageAt = (path: string): URL => new URL(`../../${path}`, import.meta.url);

/** Resolves when all that runs waits for an operating system: what a person sees who types slower than a conductor works. */
async function untilCalm(client: Client): Promise<void> {
  const { actionPlans } = await client.plans.listActionPlans({ states: [ActionPlanState.ONGOING] });
  for (const { uuid, maxParallel, size } of actionPlans) {
    const running = new Set<string>();
    await watchPlan(client, uuid).until('as many actions to run as may', ({ actions }) => {
      for (const { name, state } of actions) if (state === 'ONGOING') running.add(name);
      return running.size >= Math.min(maxParallel, size);
    });
    for (const name of Object.keys(await actionsNow(client, uuid)).filter((action) => running.has(action)))
      await watchNode(client, name).until(`${name} to be held`, ({ heldBy }) => heldBy !== undefined);
  }
  for (const { uuid } of await allTasks(client))
    await untilIn(watchTask(client, uuid), 'CONFIRMING', 'SUCCEEDED', 'FAILED', 'ABORTED');
}

/** The results of the command lines of a page, each by the number of its line. */
interface Ran {
  readonly outputs: Map<number, readonly string[]>;
  /** One for each turn of a loop. */
  readonly exitCodes: Map<number, readonly number[]>;
}

/** Runs the command lines of a page, in their order. */
async function runPage(t: ExecutionContext, shown: readonly Shown[]): Promise<Ran> {
  const { client, address, conductor } = await openHouse(t, {
    here: true,
    settings: { power_state_change_timeout: 60 },
  });
  const outputs = new Map<number, readonly string[]>();
  const exitCodes: Ran['exitCodes'] = new Map();
  let exitCode = 0;
  for (const { line, command } of shown) {
    if (command === 'countermand serve') outputs.set(line, conductor.said.seen);
    else if (command === 'echo $?') outputs.set(line, [String(exitCode)]);
    else {
      const ran = [];
      for (const one of unrolled(command)) ran.push(await runShown(one, address));
      exitCode = ran.at(-1)?.exitCode ?? 0;
      exitCodes.set(
        line,
        ran.map((one) => one.exitCode),
      );
      outputs.set(
        line,
        ran.flatMap(({ lines }) => lines),
      );
      await untilCalm(client);
    }
  }
  return { outputs, exitCodes };
}

test('the first ten minutes are as their page shows them, line by line', async (t) => {
  const file = pageAt('docs/first_ten_minutes.md');
  const page = readFileSync(file, 'utf8');
  const shown = shownIn(page);
  const { outputs } = await runPage(t, shown);
  if (process.env.UPDATE) writeFileSync(file, withOutputs(page, outputs));
  else
    for (const { line, command, output } of shown)
      t.deepEqual(masked(outputs.get(line) ?? []), masked(output), `line ${line}: ${command}`);
  t.true(shown.length > 20);
});

test('the consoles of README are what happens; commands without an output succeed', async (t) => {
  const ours = ({ command }: Shown): boolean => /^(for .*; do )?countermand /.test(command);
  const shown = shownIn(readFileSync(pageAt('README.md'), 'utf8')).filter(ours);
  const { outputs, exitCodes } = await runPage(t, shown);
  for (const { line, command, output } of shown)
    if (output.length === 0)
      t.true(
        exitCodes.get(line)?.every((code) => code === 0),
        `line ${line}: ${command}\n${outputs.get(line)?.join('\n')}`,
      );
    else t.deepEqual(masked(outputs.get(line) ?? []), masked(output), `line ${line}: ${command}`);
  t.true(shown.length > 5);
});
