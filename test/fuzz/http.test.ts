/** A short part of what `npm run fuzz -- --http` sends: the ports of a conductor stay open for others. */
import test from 'ava';
import { openHouse } from '../e2e/house.ts';
import { ask } from '../e2e/http.ts';
import { fuzzHttp } from './http.ts';

test('mutated HTTP/1.1, HTTP/2 and TLS at both ports: the conductor serves those who speak right', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const { hostname, port } = new URL(house.http);
  const colon = house.address.lastIndexOf(':');
  const grpc = { host: house.address.slice(0, colon), port: Number(house.address.slice(colon + 1)) };
  let asked = 0;
  await fuzzHttp([grpc, { host: hostname, port: Number(port) }], 600, 7, async () => {
    asked += 1;
    t.is(typeof (await house.client.itself.getVersion({})).version, 'string');
    t.is((await ask(house.http, 'GET /healthz')).status, 200);
  });
  t.is(asked, 2);
});
