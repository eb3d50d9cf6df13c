/** The live view in a real terminal: its sizes, keys that are typed into it, Ctrl-C, pipes, and no terminal at all. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Screen } from '../cli/screen.ts';
import { newFolder } from '../counterparts/folder.ts';
import { openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { type Place, runInTerminal } from './person.ts';
import { power, startPlan, untilActionIn, watchPlan } from './plans.ts';

const NODES = Array.from({ length: 30 }, (_, at) => `r7-a-node-whose-name-is-quite-long-n${at + 1}`);
const [FIRST = ''] = NODES;

/** A plan over 30 nodes of which the first never goes down. */
async function openPlan(t: ExecutionContext): Promise<Place & { readonly folder: string }> {
  const { client, address } = await openHouse(t, { here: true });
  await enrol(client, FIRST, 'fake', { fake_address: FIRST, fake_soft_ms: 'never' });
  for (const name of NODES.slice(1))
    await client.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } });
  await startPlan(
    client,
    'rack',
    NODES.map((name) => power(name, 'soft power off')),
    { maxParallel: 1 },
  );
  await untilActionIn(watchPlan(client, 'rack'), FIRST, 'ONGOING');
  return { address, folder: await newFolder(t) };
}

/** How the view begins anew in another size: it clears what it has written, outside of what is written at once. */
const MOVED = new RegExp(`(?<!2026h|1A)${String.fromCharCode(27)}\\[2K${String.fromCharCode(27)}\\[1A`);

/** What stands on a screen of 200 columns that became one of 50 when `at` characters of the text had been shown. */
async function screenOf(text: string, at: number): Promise<string[]> {
  const screen = new Screen(200, 30);
  await screen.write(text.slice(0, at));
  screen.resize(50, 12);
  await screen.write(text.slice(at));
  return screen.lines();
}

test('a live view follows the size of its terminal, shows no typed keys, and stays after Ctrl-C', async (t) => {
  const place = await openPlan(t);
  const line =
    'trap : INT; stty cols 200 rows 30; tty > terminal; NO_COLOR=1 countermand plan watch rack; echo "ended with $?"';
  const terminal = runInTerminal(t, line, place);
  await terminal.shows(/quite-long-n24[\s\S]*a cancel would/);
  terminal.type('ls -l rubbish\r\r');
  const device = (await readFile(join(place.folder, 'terminal'), 'utf8')).trim();
  await promisify(execFile)('stty', ['-F', device, 'cols', '50', 'rows', '12']);
  await terminal.shows(/runs +r7-a-node-\S*…/);
  terminal.type('\u0003');
  const { text } = await terminal.ended;
  t.false(text.includes('rubbish'));
  t.false(/\[\d[\d;]*m/.test(text), 'without colours');
  const all = await screenOf(text, text.search(MOVED));
  const last = all.slice(all.findLastIndex((shown) => shown.startsWith("plan 'rack' ONGOING")));
  t.regex(
    last.join('\n'),
    /^plan .*\n {2}runs .*\n( {2}waits .*\n)+ +and \d+ more\n {2}a cancel would.*\n\^C\nstopped watching; the plan goes on\n/,
  );
  t.is(last.at(-1), 'ended with 130');
  for (const shown of last.slice(0, last.indexOf('^C'))) t.true(shown.length <= 50, shown);
});

/** What a terminal does with keys. */
async function modesOf(place: { readonly folder: string }): Promise<string> {
  const device = (await readFile(join(place.folder, 'terminal'), 'utf8')).trim();
  return (await promisify(execFile)('stty', ['-F', device, '-a'])).stdout;
}

test('Ctrl-Z leaves the terminal as it was, and fg takes it up again; so does a stop from elsewhere', async (t) => {
  const place = await openPlan(t);
  const watch = "sh -c 'echo $$ > pid; exec countermand plan watch rack'";
  const line = `set -m; stty cols 100 rows 40; tty > terminal; ${watch}; echo "first $?"; read go; fg; echo "second $?"; read go; fg; echo "ended $?"`;
  const terminal = runInTerminal(t, line, place);
  await terminal.shows(/a cancel would/);
  t.regex(await modesOf(place), /-icanon[\s\S]* -echo /);
  terminal.type('\u001a');
  await terminal.shows(/\^Z[\s\S]*first 148/);
  t.regex(await modesOf(place), / icanon[\s\S]* echo /);
  terminal.type('go\r');
  await terminal.shows(/first 148[\s\S]*a cancel would/);
  t.regex(await modesOf(place), /-icanon[\s\S]* -echo /);
  process.kill(Number(await readFile(join(place.folder, 'pid'), 'utf8')), 'SIGTSTP');
  await terminal.shows(/second 148/);
  t.regex(await modesOf(place), / icanon[\s\S]* echo /);
  terminal.type('go\r');
  await terminal.shows(/second 148[\s\S]*a cancel would/);
  terminal.type('rubbish\r\u0003');
  const { text } = await terminal.ended;
  t.regex(text, /\^C\nstopped watching; the plan goes on\n/);
  t.true(text.endsWith('ended 130\n'), text);
  const screen = new Screen(100, 200);
  await screen.write(text);
  const lines = screen.lines();
  t.false(text.includes('rubbish'));
  // Each view stands whole: none was written over what the shell has shown.
  const heads = lines.filter((shown) => shown.startsWith("plan 'rack' ONGOING"));
  t.is(heads.length, 3, lines.join('\n'));
  for (const said of ['^Zfirst 148', 'second 148', 'ended 130']) t.true(lines.includes(said), lines.join('\n'));
});

test('in a pipe it is a line per change', async (t) => {
  const place = await openPlan(t);
  // Ctrl-C does not end tee, which shows a text before it writes it to its file.
  const teed = runInTerminal(t, 'trap : INT; countermand plan watch rack | tee -i copy; echo "ended"', place);
  await teed.shows(/a cancel would/);
  teed.type('\u0003');
  const { text } = await teed.ended;
  t.regex(text, /^plan 'rack' \(\w{8}\) ONGOING; 30 actions, at most 1 at once\r?\n/);
  t.false(text.includes('\u001b'), text);
  t.regex(await readFile(join(place.folder, 'copy'), 'utf8'), /^plan 'rack' /);
});
