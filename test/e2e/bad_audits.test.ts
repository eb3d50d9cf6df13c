/** Bad input about audits: each is refused with its status, its code and its place; nothing is written. */
import test, { type ExecutionContext } from 'ava';
import { AuditType } from '../../src/gen/countermand/v1/audit.ts';
import { BAD_AUDIT_CALLS } from './bad_audit_calls.ts';
import { allEvents, allNodes } from './client.ts';
import { type House, openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { refused } from './refusals.ts';

/** A node, and audits in every state that a bad call needs. */
async function openWithAudits(t: ExecutionContext): Promise<House> {
  const house = await openHouse(t, { here: true });
  const { client } = house;
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  const strategy = 'dummy';
  await client.audits.createAudit({ name: 'done', requestId: 'done', strategy });
  await client.audits.createAudit({ name: 'runs', strategy, auditType: AuditType.CONTINUOUS, interval: 86_400 });
  for (const requestId of ['one', 'other']) await client.audits.createAudit({ name: 'twin', requestId, strategy });
  return house;
}

/** Everything that must not change. */
async function allOf({ client }: House): Promise<unknown> {
  const nodes = await allNodes(client);
  const { actionPlans } = await client.plans.listActionPlans({});
  const { audits } = await client.audits.listAudits({});
  return { nodes, actionPlans, audits, events: await allEvents(client) };
}

test('what is wrong with a call about audits is said with its place, and nothing is written', async (t) => {
  const house = await openWithAudits(t);
  const before = await allOf(house);
  for (const { what, call, ...refusal } of BAD_AUDIT_CALLS) await refused(t, call(house.client), refusal, what);
  t.deepEqual(await allOf(house), before);
});
