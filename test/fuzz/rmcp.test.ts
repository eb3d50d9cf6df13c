import test from 'ava';
import { fuzzRmcp } from './rmcp.ts';

test('20,000 mutated datagrams at every stage of a session: none crashes, hangs, or is believed', (t) => {
  const { datagrams, sessions, outcomes } = fuzzRmcp(20_000, 1);
  t.true(datagrams >= 20_000);
  // One in which nothing is ever answered would prove nothing.
  t.true((outcomes.get('passer-by: answered') ?? 0) > sessions / 4, JSON.stringify([...outcomes]));
  t.log(`${datagrams} datagrams, ${sessions} sessions: ${JSON.stringify([...outcomes])}`);
});
