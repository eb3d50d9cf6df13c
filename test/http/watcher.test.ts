/** Watcher's own clients, unchanged, against the HTTP door. */
import test from 'ava';
import { fieldClients } from '../counterparts/field_clients.ts';
import { openHouse } from '../e2e/house.ts';
import { tell } from './story.ts';

test('watcher and openstack optimize', async (t) => {
  const house = await openHouse(t, { here: true, http: true, settings: { agent_name: 'rack7' } });
  const clients = await fieldClients(house.http);
  const [plan, recommended] = await Promise.all(
    ['sleeps', 'waits'].map(async (name) => {
      const action = { name: 'sleep', actionType: 'sleep', inputParameters: { duration: 3600 } };
      const { actionPlan } = await house.client.plans.createActionPlan({ name, actions: [action] });
      return actionPlan?.uuid ?? '';
    }),
  );
  const known = { plan: String(plan), recommended: String(recommended) };
  await tell(t, 'watcher', { house, clients, known });
});
