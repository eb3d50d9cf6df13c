/** The requests that were recorded with Ironic, sent to ours: each answer is the one of the table, each difference has a reason. */
import test from 'ava';
import { eventually } from '../counterparts/eventually.ts';
import { openHouse } from '../e2e/house.ts';
import { type Answered, ask } from '../e2e/http.ts';
import { enrol } from '../e2e/orders.ts';
import { EXCHANGES, type Exchange } from './ironic_exchanges.ts';

/** The fields of an answer; of a list, those of its first entry. */
function fieldsOf({ json }: Answered): string[] {
  const values = Object.values((json ?? {}) as object);
  const [list] = values;
  const isList = values.length === 1 && Array.isArray(list);
  return Object.keys((isList ? list[0] : json) ?? {});
}

const sent = ({ version = '1.78', headers = {}, body }: Exchange) => ({
  headers: { ...headers, ...(version !== null && { 'X-OpenStack-Ironic-API-Version': version }) },
  ...(body !== undefined && { body }),
});

test("what Ironic's clients send is answered as the table says, beside Ironic", async (t) => {
  const { http, client } = await openHouse(t, { here: true, http: true });
  await enrol(client, 'n1', 'fake', { fake_address: 'n1' });
  t.true(EXCHANGES.length >= 60);
  for (const exchange of EXCHANGES) {
    const { ironic, ours, why } = exchange;
    const what = `${exchange.ask} ${JSON.stringify(exchange.body ?? '')}`;
    const answered = await ask(http, exchange.ask, sent(exchange));
    t.is(answered.status, ours.status, `${what}: ${answered.text}`);
    t.is(answered.sentence, ours.says ?? '', what);
    const fields = fieldsOf(answered);
    for (const field of ours.only ?? []) t.true(fields.includes(field), `${what}: ${field}`);
    for (const field of ironic.only ?? []) t.false(fields.includes(field), `${what}: ${field}`);
    const differs = ironic.status !== ours.status || ironic.only !== undefined || ours.only !== undefined;
    t.is(why !== undefined, differs, what);
    // An order of one row must not hold the node in the next.
    await eventually('n1 to be free', async () => (await client.nodes.getNode({ node: 'n1' })).node?.heldBy === '');
  }
});
