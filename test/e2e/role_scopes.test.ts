/** What is about nodes by its scope alone: it is held to them as what names them in its actions. */
import test, { type ExecutionContext } from 'ava';
import { enrolIn, openRoleHouse } from './role_house.ts';

const NODES = '/countermand.v1.NodeService';
const PLANS = '/countermand.v1.ActionPlanService';
const AUDITS = '/countermand.v1.AuditService';

interface Named {
  readonly uuid: string;
  readonly name: string;
}

/** Two racks with a node each. */
async function openRacks(t: ExecutionContext) {
  const house = await openRoleHouse(t);
  await enrolIn(house, 'mine', '7');
  await enrolIn(house, 'other', '8');
  return house;
}

test('what an audit of every node would do is told to those alone who may see every node', async (t) => {
  const { call } = await openRacks(t);
  for (const strategy of ['host_maintenance', 'saving_energy', 'dummy']) {
    const wanted = { name: 'all', strategy, all: true };
    for (const [verb, request] of [
      ['PreviewAudit', { wanted }],
      ['CreateAudit', wanted],
    ] as const) {
      const { code, message, verb: lacking, node } = await call('rack7', `${AUDITS}/${verb}`, request);
      t.is(`${code} ${lacking} ${node}`, 'PERMISSION_DENIED node.read *', `${verb} ${strategy}`);
      t.notRegex(message, /other/);
    }
    t.is((await call('seer', `${AUDITS}/PreviewAudit`, { wanted })).code, 'OK');
  }
});

test('a plan whose actions are about no node is held to the nodes that it was made for', async (t) => {
  const { answer, call } = await openRacks(t);
  const actions = [{ name: 's', actionType: 'sleep', inputParameters: { duration: 3600 } }];
  const scopeOf = (node: string) => [{ baremetal: [{ nodes: [node] }] }];
  const made = async (name: string, more: object): Promise<string> => {
    const { actionPlan } = await answer<{ actionPlan: Named }>('root', `${PLANS}/CreateActionPlan`, {
      name,
      actions,
      ...more,
    });
    return actionPlan.uuid;
  };
  const hidden = await made('hidden', { scope: scopeOf('other') });
  const own = await made('own', { scope: scopeOf('mine') });
  const ofNone = await made('of none', {});
  const audited = { name: 'everywhere', strategy: 'dummy', all: true };
  const { actionPlan: everywhere } = await answer<{ actionPlan: Named }>('root', `${AUDITS}/CreateAudit`, audited);
  const { actionPlans } = await answer<{ actionPlans: Named[] }>('rack7', `${PLANS}/ListActionPlans`, {});
  t.deepEqual(actionPlans.map(({ name }) => name).sort(), ['of none', 'own']);
  const verbs = ['GetActionPlan', 'StartActionPlan', 'OrderCancel', 'OrderRollback', 'DeleteActionPlan'];
  for (const plan of [hidden, everywhere.uuid])
    for (const verb of verbs)
      t.is((await call('rack7', `${PLANS}/${verb}`, { actionPlan: plan })).code, 'ACTION_PLAN_NOT_FOUND', verb);
  for (const plan of [own, ofNone])
    t.is((await call('rack7', `${PLANS}/OrderCancel`, { actionPlan: plan })).code, 'OK');
  const refused = await call('seer', `${PLANS}/OrderCancel`, { actionPlan: hidden });
  t.is(`${refused.code} ${refused.verb} ${refused.node}`, 'PERMISSION_DENIED plan.cancel other');
  await answer('root', `${NODES}/DeleteNode`, { node: 'mine' });
  t.is((await call('rack7', `${PLANS}/GetActionPlan`, { actionPlan: own })).code, 'ACTION_PLAN_NOT_FOUND');
});
