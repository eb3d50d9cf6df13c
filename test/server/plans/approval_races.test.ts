/** A decision of a second person and what else may come of the plan, asked for at once: the first is carried out, the second is told what is so. */
import test, { type ExecutionContext } from 'ava';
import { Access } from '../../../src/server/access/access.ts';
import { parseAccess } from '../../../src/server/access/access_file.ts';
import type { Also } from '../../../src/server/store/also.ts';
import type { ActionPlanRow } from '../../../src/server/store/plan_rows.ts';
import type { World } from '../../world/world.ts';
import { make, softOff, standing, wanted, worldLike } from '../plan_making.ts';

const RULES = {
  bindings: [{ identities: ['jwt:*'], role: 'admin' }],
  require_approval: [{ zones: ['default'], nodes_above: 1 }],
};
const YES = { reason: '', revision: null, queue: false };
const by = (identity: string): Also => ({
  actor: { identity, onBehalfOf: null },
  note: async () => {},
  done: () => {},
});
const [alice, bob, carol] = [by('jwt:alice'), by('jwt:bob'), by('jwt:carol')];

type Ask = (world: World) => Promise<ActionPlanRow>;
const ASKS: Readonly<Record<string, Ask>> = {
  approve: ({ conductor }) => conductor.plans.approve('p', YES, bob),
  'approve by another': ({ conductor }) => conductor.plans.approve('p', YES, carol),
  reject: ({ conductor }) => conductor.plans.reject('p', YES, bob),
  cancel: ({ conductor }) => conductor.plans.cancel('p', '', false, null, alice),
  'launch another': ({ conductor }) => conductor.plans.start('other', false, false, null, null, alice),
};

async function waiting(t: ExecutionContext): Promise<World> {
  const access = new Access(parseAccess(RULES, 'access.yaml'));
  const world = await worldLike(t, { access }, 'n1', 'n2');
  await make(world, 'p', [softOff('n1'), softOff('n2')]);
  await make(world, 'other', [wanted('m', 'set_node_maintenance', { resource_id: 'n1', maintenance: true })]);
  await world.conductor.plans.start('p', false, false, null, null, alice);
  return world;
}

/** What is answered first, and what then. Of an order that is refused: its code. */
const RACES = `
approve            approve by another ONGOING   ACTION_PLAN_STATE SUCCEEDED  jwt:bob
approve            reject             ONGOING   ACTION_PLAN_STATE SUCCEEDED  jwt:bob
approve            cancel             ONGOING   CANCELLING        CANCELLED  jwt:bob
approve            launch another     ONGOING   ACTION_PLAN_STATE SUCCEEDED  jwt:bob
reject             approve            CANCELLED ACTION_PLAN_STATE CANCELLED  jwt:bob
reject             cancel             CANCELLED CANCELLED         CANCELLED  jwt:bob
reject             launch another     CANCELLED ONGOING           CANCELLED  jwt:bob
cancel             approve            CANCELLED ACTION_PLAN_STATE CANCELLED  -
cancel             reject             CANCELLED ACTION_PLAN_STATE CANCELLED  -
cancel             launch another     CANCELLED ONGOING           CANCELLED  -
launch another     approve            ONGOING   ACTION_PLAN_STATE SUPERSEDED -
launch another     reject             ONGOING   ACTION_PLAN_STATE SUPERSEDED -
launch another     cancel             ONGOING   ACTION_PLAN_STATE SUPERSEDED -
`;

const answerOf = (ask: Ask | undefined, world: World): Promise<string> =>
  (ask as Ask)(world).then(
    ({ state }) => state,
    ({ code }) => code,
  );

for (const line of RACES.trim().split('\n')) {
  const [first, second] = [line.slice(0, 19).trim(), line.slice(19, 38).trim()];
  const answered = line.slice(38).split(/ +/);
  test(`${first}, and at once ${second}`, async (t) => {
    const world = await waiting(t);
    const answers = await world.finish(Promise.all([first, second].map((name) => answerOf(ASKS[name], world))));
    await world.clock.turn(200_000);
    const { plan } = await standing(world, 'p');
    t.deepEqual([...answers, plan.state, plan.decidedBy ?? '-'], answered);
    t.is(world.received.length, plan.state === 'SUCCEEDED' ? 2 : 0);
  });
}
