/** Command lines that no conductor is needed for. */
import { createServer } from 'node:net';
import test from 'ava';
import type { Command } from 'commander';
import { buildProgram, runCommandLine } from '../../src/cli/program.ts';
import type { Environment } from '../../src/cli/shared/terminal.ts';
import { openCaptured } from './captured.ts';

/** No process can listen there. */
const NOWHERE = '127.0.0.1:1';

/** One command line, and what came of it. */
async function run(words: readonly string[], environment: Environment = { COUNTERMAND_CONDUCTOR: NOWHERE }) {
  const captured = openCaptured(false, environment);
  const exitCode = await runCommandLine(words, captured.terminal);
  return { exitCode, stdout: captured.stdout(), stderr: captured.stderr() };
}

/** Every command of the tree. */
function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

const program = await buildProgram(openCaptured().terminal);

test('every command, argument and option is described', (t) => {
  for (const command of allCommands(program)) {
    t.not(command.description(), '', command.name());
    for (const option of command.options) t.not(option.description, '', `${command.name()} ${option.flags}`);
    for (const argument of command.registeredArguments)
      t.not(argument.description, '', `${command.name()} ${argument.name()}`);
  }
});

test('every command has help', async (t) => {
  const pathOf = (command: Command): string[] => (command.parent ? [...pathOf(command.parent), command.name()] : []);
  for (const command of allCommands(program)) {
    const { exitCode, stdout, stderr } = await run([...pathOf(command), '--help']);
    t.is(exitCode, 0);
    t.regex(stdout, /^Usage: countermand/);
    t.is(stderr, '');
  }
});

test('every group shows examples', async (t) => {
  for (const group of program.commands.filter(({ commands }) => commands.length > 0))
    t.regex((await run([group.name(), '--help'])).stdout, /\nExamples:\n {2}countermand /);
});

test('a flag with an empty value is refused before anything is asked: an unset variable takes no guard away', async (t) => {
  const flags = {
    'node accept r7n1': '--guid',
    'node power r7n1 reboot --yes': '--request-id',
    'node power r7n1 abort_soft_off': '--task',
    'node create r7n1 --driver fake': '--zone',
    'node list': '--conductor',
    'token create ci': '--role',
    'plan cancel': '--node',
  };
  for (const [words, flag] of Object.entries(flags)) {
    const { exitCode, stderr } = await run([...words.trim().split(' '), flag, '']);
    t.is(exitCode, 2, words);
    t.regex(stderr, /^error: --[a-z-]+ has an empty value; give one, or leave out the flag\n$/, words);
  }
  // A text may be empty; then it is the conductor that is asked, and does not answer.
  t.is((await run(['node', 'power', 'r7n1', 'on', '--reason', ''])).exitCode, 6);
});

test('a group without a command is help on stderr, and a failure', async (t) => {
  for (const words of [[], ['node'], ['power'], ['plan']]) {
    const { exitCode, stdout, stderr } = await run(words);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.regex(stderr, /^Usage: countermand/);
  }
});

test('help that is asked for is on stdout, and no failure', async (t) => {
  const lines = {
    help: '[options]',
    'help help': '[options]',
    'help node': 'node',
    'node help': 'node',
    'node --help': 'node',
    'help plan cancel': 'plan cancel',
    '--conductor x plan help cancel': 'plan cancel',
    'help plan cancel PLAN': 'plan cancel',
  };
  for (const [line, of] of Object.entries(lines)) {
    const { exitCode, stdout, stderr } = await run(line.split(' '));
    t.is(exitCode, 0, line);
    t.true(stdout.startsWith(`Usage: countermand ${of} [`) || stdout.startsWith(`Usage: countermand ${of} `), line);
    t.is(stderr, '');
  }
});

test('the version', async (t) => {
  const { exitCode, stdout } = await run(['--version']);
  t.is(exitCode, 0);
  t.regex(stdout, /^\d+\.\d+\.\d+\S*\n$/);
});

const refused = test.macro({
  exec: async (t, line: string, says: RegExp) => {
    const { exitCode, stdout, stderr } = await run(line.split(' '));
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.regex(stderr, says);
    t.true(stderr.startsWith('error: '));
  },
  title: (_, line) => `refused before anybody is asked: ${line}`,
});
test(refused, 'nod', /unknown command 'nod' \(Did you mean node\?\)/);
test(refused, 'node abort n1', /unknown command 'abort'; did you mean: countermand abort NODES$/m);
test(refused, 'node reboot n1', /did you mean: countermand node power NODES reboot$/m);
test(refused, 'node deploy n1', /unknown command 'deploy'; countermand does not provision nodes/);
test(refused, '--utc actionplan list', /did you mean: countermand plan$/m);
test(refused, 'node constructor', /unknown command 'constructor'; --help shows/);
test(refused, 'node power n1 off --soft', /unknown option '--soft'; a soft order is a target of its own: soft_off/);
test(refused, 'node list --long', /unknown option '--long'; it is -o wide here$/m);
test(refused, 'node create n1 --drivr fake', /unknown option '--drivr' \(Did you mean --driver\?\)/);
test(refused, 'help nod', /unknown command 'nod'; did you mean node\?/);
test(refused, '--conductor x node help lst', /unknown command 'lst'; did you mean list\?/);
test(refused, 'help node powr', /unknown command 'powr'; did you mean power\?/);
test(refused, 'help xyzzy', /unknown command 'xyzzy'; the commands are serve, agent, /);
test(refused, 'node power --all off --yes 30', /the number of --yes is attached with =: give --yes=30, not --yes 30/);
test(refused, 'plan start p --yes 30', /give --yes=30, not --yes 30/);
test(refused, 'audit create --strategy saving_energy', /the audit has no name; give --name NAME, or a file/);
test(refused, 'node list --yes', /unknown option '--yes'/);
test(refused, 'node lst', /unknown command 'lst'/);
test(refused, 'node show', /no node is selected; give names/);
test(refused, 'node why a b', /too many arguments for 'why'\. .* got 2: a, b; --help shows what can be given$/m);
test(refused, 'node power', /missing required argument 'nodes'; --help shows what can be given/);
test(refused, 'node list --colour', /unknown option '--colour'/);
test(refused, 'node create n1', /required option '--driver <name>' not specified/);
test(refused, 'node create n1 --driver fake --info x', /--info: 'x' is not KEY=VALUE/);
test(refused, 'node set n1', /nothing to set; /);
test(refused, 'node set n1 --maintenance maybe', /Allowed choices are on, off/);
test(refused, 'node power n[3-1] on', /n\[3-1\]': 3-1 runs backwards/);
test(refused, 'node power n[1-3] soft_off --max-parallel 0', /--max-parallel: '0' is not a whole number from 1/);
test(refused, 'node power n[1-3] soft_off --canary x', /--canary: 'x' is not a whole number from 0/);
test(refused, 'node power n[1-3] soft_off --on-failure wait', /Allowed choices are stop, continue, rollback/);
test(refused, 'node power n[1-3] abort_soft_off --task t', /--task names one power task; name its node alone/);
test(refused, 'plan create /nowhere/plan.yaml', /plan file \/nowhere\/plan\.yaml cannot be read: ENOENT/);
test(refused, 'plan create /', /plan file \/ cannot be read: EISDIR/);
test(refused, 'plan create /dev/zero', /\/dev\/zero is larger than 32 MB/);
test(refused, 'plan create - --queue', /--queue says how to start; give --start as well/);
test(refused, 'plan list --state GONE', /Allowed choices are RECOMMENDED, PENDING, ONGOING/);
test(refused, 'node power n1 hibernate', /'hibernate' is not a target; the targets are on, off/);
test(refused, 'node power n1 soft_off --timeout 0', /--timeout: '0' is not a time/);
test(refused, 'node power n1 soft_off --timeout -5', /--timeout: '-5'/);
test(refused, 'node power n1 soft_off --on-timeout wait', /Allowed choices are fail, force/);
test(refused, 'events --from first', /--from: 'first' is not the number/);
test(refused, 'node list --conductor nowhere', /'nowhere' is no address of a conductor; it must be HOST:PORT/);
test(refused, '--conductor http://a:1 node list', /is no address of a conductor/);

test('a refusal with --json is JSON on stderr, wherever the flag stands', async (t) => {
  for (const words of [
    ['--json', 'node', 'power', 'n1', 'x'],
    ['node', 'power', 'n1', 'x', '--json'],
  ]) {
    const { exitCode, stdout, stderr } = await run(words);
    t.is(exitCode, 2);
    t.is(stdout, '');
    t.is(JSON.parse(stderr).error.code, 'ARGUMENT_INVALID');
  }
});

test('a conductor that is not there: the address, what to do, and nothing was ordered', async (t) => {
  for (const line of [
    'node list',
    'node power n1 soft_off',
    'node power n[1-3] soft_off',
    'node power n[1-3] abort_soft_off',
    'power watch t',
    'plan start p',
    'plan cancel p',
    'events --follow',
    'node refresh n1',
  ]) {
    const { exitCode, stdout, stderr } = await run(line.split(' '));
    t.is(exitCode, 6, line);
    t.is(stdout, '');
    t.regex(stderr, /^error: no conductor answers at 127\.0\.0\.1:1 \(.*ECONNREFUSED.*countermand serve.*--conductor/);
    t.notRegex(stderr, /\n {2}|goes? on/);
  }
});

test('the flag wins over the variable', async (t) => {
  t.regex(
    (await run(['node', 'list', '--conductor', '127.0.0.2:1'])).stderr,
    /no conductor answers at 127\.0\.0\.2:1 /,
  );
  t.regex((await run(['node', 'list'], { COUNTERMAND_CONDUCTOR: '127.0.0.3:1' })).stderr, /at 127\.0\.0\.3:1 /);
});

test('what answers but is no conductor is told soon', async (t) => {
  const web = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => web.once('listening', resolve));
  const { port } = web.address() as { port: number };
  const { exitCode, stderr } = await run(['node', 'list', '--conductor', `127.0.0.1:${port}`]);
  web.close();
  t.is(exitCode, 6);
  t.regex(stderr, /no conductor answers at/);
});
