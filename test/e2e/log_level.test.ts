/** The level of the log is changed while a conductor runs, by whoever may do that; the trail and the log say who did. */
import test from 'ava';
import { openHouse } from './house.ts';
import { runHere } from './processes.ts';

test('log-level prints the level, changes it at once, and stands in the log and in the trail', async (t) => {
  const house = await openHouse(t, { here: true, settings: { log_level: 'info' } });
  const { client, conductor } = house;
  const command = (...words: readonly string[]) => runHere([...words, '--conductor', house.address]);
  const changes = (): number => conductor.logged.seen.filter((line) => line.includes('level of the log')).length;
  t.is((await command('log-level')).stdout, 'info, as the configuration says');
  t.is(
    (await command('log-level', 'error')).stdout,
    'info -> error, until the process ends or reads its configuration again, which says info',
  );
  await conductor.logged.until('the change', (line) => /"from":"info","to":"error","identity":"anonymous/.test(line));
  t.deepEqual(await client.itself.getLogLevel({}), { level: 'error', configured: 'info' });
  t.is((await command('log-level', 'fatal')).exitCode, 0);
  t.deepEqual(JSON.parse((await command('log-level', '--json')).stdout), { level: 'fatal', configured: 'info' });
  t.is((await command('log-level', 'info')).stdout, 'fatal -> info, as the configuration says');
  await conductor.logged.until('the way back', (line) => line.includes('"from":"fatal","to":"info"'));
  t.is(changes(), 2, 'from error to fatal, the log says nothing');

  t.is((await command('log-level', 'info')).stdout, 'info, as the configuration says');
  const bad = await command('log-level', 'loud');
  t.is(bad.exitCode, 2);
  t.regex(bad.stderr, /fatal, error, warn, info, debug, trace, silent/);
  await t.throwsAsync(client.itself.setLogLevel({ level: 'loud' }), {
    message: /'loud' is no level of the log; the levels are/,
  });
  t.is((await client.itself.getLogLevel({})).level, 'info');
  const trail = await command('trail', 'list', '--rpc', 'ConductorService/SetLogLevel', '--json');
  const told = trail.stdout.split('\n').map((line) => pick(JSON.parse(JSON.parse(line).entry)));
  t.deepEqual(told.reverse(), [
    { outcome: 'OK', before: 'info', level: 'error' },
    { outcome: 'OK', before: 'error', level: 'fatal' },
    { outcome: 'OK', before: 'fatal', level: 'info' },
    { outcome: 'OK', before: undefined, level: 'info' },
    { outcome: 'ARGUMENT_INVALID', before: undefined, level: 'loud' },
  ]);
});

/** An entry of the trail, as far as it is about a level. */
interface Entry {
  readonly outcome: string;
  readonly log_level_before?: string;
  readonly request: { readonly level: string };
}

const pick = ({ outcome, log_level_before, request: { level } }: Entry) => ({
  outcome,
  before: log_level_before,
  level,
});
