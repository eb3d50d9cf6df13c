/** Looking back from the command line: the last events, those of the last minutes, and the history of a node that is gone. */
import test from 'ava';
import { openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { createPlan, power } from './plans.ts';
import { runHere } from './processes.ts';

test('events: the last, the latest, of a node, also of one that was deleted', async (t) => {
  const house = await openHouse(t, { here: true });
  const countermand = (...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: house.address });
  for (const name of ['n1', 'n2']) await enrol(house.client, name, 'fake', { fake_address: name });
  t.is((await countermand('node', 'power', 'n1', 'off', '--yes')).exitCode, 0);
  t.is((await countermand('node', 'delete', 'n1', '--yes')).exitCode, 0);

  const all = (await countermand('events')).stdout.split('\n');
  t.true(all.length > 5);
  t.deepEqual((await countermand('events', '--tail', '3')).stdout.split('\n'), all.slice(-3));
  t.deepEqual((await countermand('events', '--tail', '9999')).stdout.split('\n'), all);
  t.deepEqual((await countermand('events', '--since', '1h')).stdout.split('\n'), all);
  const ofN2 = all.filter((line) => / n2 /.test(line));
  t.deepEqual((await countermand('events', '--node', 'n2', '--tail', '1')).stdout, ofN2.at(-1));
  t.is((await countermand('events', '--since', '1h', '--from', '2')).exitCode, 2);
  t.is((await countermand('events', '--since', 'yesterday')).exitCode, 2);
  const misspelt = await countermand('events', '--type', 'baremetal.node.power_abrot.*');
  t.deepEqual([misspelt.exitCode, misspelt.stdout], [0, '']);
  t.regex(misspelt.stderr, /^warning: --type: no event has the type 'baremetal.node.power_abrot.\*'; nearest are /);

  const history = await countermand('node', 'history', 'n1');
  t.is(history.exitCode, 0, history.stderr);
  const lines = history.stdout.split('\n');
  t.regex(lines[0] ?? '', / baremetal\.node\.create\.\w+ +n1 /);
  t.regex(lines.at(-1) ?? '', / baremetal\.node\.delete\.end +n1/);
  t.true(lines.every((line) => !/ n2 /.test(line)));
  t.deepEqual((await countermand('node', 'history', 'n1', '--tail', '2')).stdout.split('\n'), lines.slice(-2));
  const ofGone = await countermand('events', '--node', 'n1');
  t.deepEqual(ofGone.stdout.split('\n'), lines);
  t.regex(
    (await countermand('events', '--node', 'n1', '--type', '*.delete.end')).stdout,
    /^.* baremetal\.node\.delete\.end .*$/,
  );
  const slip = await countermand('events', '--node', 'n3', '--follow');
  t.is(slip.exitCode, 3);
  t.regex(slip.stderr, /there is no node 'n3' to follow; without --follow, the events of a deleted node are printed/);
  const none = await countermand('node', 'history', 'n3');
  t.is(none.exitCode, 3);
  t.regex(none.stderr, /there is no node 'n3' now, and none of the events tells of one/);
});

test('lists of tasks, plans and audits end where they are told to', async (t) => {
  const house = await openHouse(t, { here: true });
  const countermand = (...words: string[]) => runHere(words, { COUNTERMAND_CONDUCTOR: house.address });
  for (const name of ['n1', 'n2']) await enrol(house.client, name, 'fake', { fake_address: name });
  for (const name of ['p1', 'p2', 'p3']) await createPlan(house.client, name, [power('n1', 'power off')]);
  await createPlan(house.client, 'p4', [power('n2', 'power off')]);
  for (const target of ['on', 'off', 'on']) await countermand('node', 'power', 'n1', target, '--yes');
  const plans = async (...words: string[]) => {
    const { stdout } = await countermand('plan', 'list', '--json', ...words);
    return stdout.split('\n').map((line) => JSON.parse(line).name);
  };
  t.deepEqual(await plans('--limit', '2'), ['p4', 'p3']);
  t.deepEqual(await plans('--limit', '9'), ['p4', 'p3', 'p2', 'p1']);
  t.deepEqual(await plans('--node', 'n1', '--limit', '1'), ['p3']);
  const tasks = (await countermand('power', 'list', '-o', 'name')).stdout.split('\n');
  t.is(tasks.length, 3);
  t.deepEqual((await countermand('power', 'list', '-o', 'name', '--limit', '2')).stdout.split('\n'), tasks.slice(0, 2));
  t.is((await countermand('power', 'list', '--limit', '0')).exitCode, 2);
  for (const name of ['a1', 'a2', 'a3'])
    await countermand('audit', 'create', '--name', name, '--strategy', 'dummy', '--nodes', 'n1');
  const audits = async (...words: string[]) =>
    (await countermand('audit', 'list', '-o', 'name', ...words)).stdout.split('\n');
  t.deepEqual(await audits('--limit', '2'), (await audits()).slice(0, 2));
  t.true((await audits()).length > 2);
});
