/** Lists in a real terminal: its width, colours, what is watched, and what stays after Ctrl-C. */

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { type House, openHouse } from './house.ts';
import { enrol } from './orders.ts';
import { type Place, runInScript, runInTerminal } from './person.ts';

/** What a terminal is told beside text: colours, where the cursor goes, what is cleared. */
const CODES = new RegExp(`${String.fromCharCode(27)}\\[[\\d;?]*[A-Za-z]`, 'g');
const COLOUR = '\u001b[32m';

interface Rack extends Place {
  readonly house: House;
  readonly folder: string;
}

async function openRack(t: ExecutionContext): Promise<Rack> {
  const house = await openHouse(t, { here: true });
  for (const name of ['r7-node-with-a-long-name-1', 'r7-node-with-a-long-name-2', 'n10', 'n9'])
    await enrol(house.client, name, 'fake', { fake_address: name });
  return { house, address: house.address, folder: await newFolder(t) };
}

const plain = (text: string): string[] => text.replaceAll(CODES, '').trimEnd().split('\n');

test('a list fits the terminal that it is in, and has all of it on a wide one and in a pipe', async (t) => {
  const rack = await openRack(t);
  const shown = async (line: string) => (await runInTerminal(t, line, rack).ended).text;
  const narrow = plain(await shown('stty cols 80; countermand node list'));
  t.regex(narrow[0] ?? '', /^NAME +POWER .* PROBLEM$/);
  for (const line of narrow) t.true(line.length <= 80, line);
  const wide = plain(await shown('stty cols 200; countermand node list'));
  t.regex(wide[0] ?? '', /HELD BY +MAINTENANCE +ZONE/);
  t.deepEqual(
    wide.slice(1, 5).map((line) => line.split(' ')[0]),
    ['n9', 'n10', 'r7-node-with-a-long-name-1', 'r7-node-with-a-long-name-2'],
  );
  t.regex(wide.at(-1) ?? '', /^4 nodes: /);
  const piped = plain(await shown('stty cols 80; countermand node list | cat'));
  t.deepEqual(piped[0], wide[0]);
});

test('colours are for terminals, unless NO_COLOR or --color say otherwise', async (t) => {
  const rack = await openRack(t);
  await rack.house.client.nodes.updateNode({ node: 'n9', maintenance: true });
  for await (const _ of rack.house.client.nodes.refreshNodes({ nodes: ['n9'] }));
  const isColoured = async (line: string) => (await runInTerminal(t, line, rack).ended).text.includes(COLOUR);
  t.true(await isColoured('countermand node list'));
  t.false(await isColoured('NO_COLOR=1 countermand node list'));
  t.false(await isColoured('countermand node list --color never'));
  t.false(await isColoured('countermand node list | cat'));
  t.false(await isColoured('TERM=dumb countermand node list'));
  t.true((await runInScript(t, 'countermand node list --color always', rack)).text.includes(COLOUR));
  t.false((await runInScript(t, 'countermand node list', rack)).text.includes('\u001b'));
});

test('a watched list follows what changes and the size of the terminal, and stays after Ctrl-C', async (t) => {
  const rack = await openRack(t);
  const { client } = rack.house;
  const line =
    'trap : INT; stty cols 120 rows 30; tty > terminal; countermand node list --watch 1; echo "ended with $?"';
  const terminal = runInTerminal(t, line, rack);
  await terminal.shows(/4 nodes: /);
  await enrol(client, 'new', 'fake', { fake_address: 'new' });
  await terminal.shows(/5 nodes: /);
  const device = (await readFile(join(rack.folder, 'terminal'), 'utf8')).trim();
  await promisify(execFile)('stty', ['-F', device, 'cols', '60']);
  await enrol(client, 'newer', 'fake', { fake_address: 'newer' });
  await terminal.shows(/6 nodes: /);
  terminal.type('\u0003');
  const { text } = await terminal.ended;
  const lines = plain(text);
  t.regex(lines.at(-1) ?? '', /ended with 130$/);
  const last = lines.slice(lines.findLastIndex((shown) => shown.startsWith('NAME')));
  t.regex(last.join('\n'), /^newer +/m);
  t.regex(last.join('\n'), /^6 nodes: /m);
  for (const shown of last) t.true(shown.length <= 60, shown);
});

test('a watched list without a terminal is printed again when it has changed; it ends when its reader has gone', async (t) => {
  const rack = await openRack(t);
  const terminal = runInTerminal(t, 'countermand node list --watch 1 | head -6; echo done', rack);
  await terminal.shows(/4 nodes: /);
  await enrol(rack.house.client, 'new', 'fake', { fake_address: 'new' });
  const lines = plain((await terminal.ended).text);
  t.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['NAME', 'n9', 'n10', 'r7-node-with-a-long-name-1', 'r7-node-with-a-long-name-2', '4', 'done'],
  );
});
