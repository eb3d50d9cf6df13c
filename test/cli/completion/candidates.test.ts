/** What can stand next on a command line. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import test from 'ava';
import type { Command } from 'commander';
import { type Completion, completionOf } from '../../../src/cli/completion/candidates.ts';
import { buildProgram, runCommandLine } from '../../../src/cli/program.ts';
import { ownAddress } from '../../../src/sim/loopback.ts';
import { VirtualClock } from '../../world/virtual_clock.ts';
import { openCaptured } from '../captured.ts';

const program = await buildProgram(openCaptured().terminal);
const complete = (line: string): Completion =>
  completionOf(line.split(' '), program, { target: ['on', 'off', 'soft_off'] });
const wordsOf = (line: string): string[] => complete(line).candidates.map(({ word }) => word);

test('commands, and their subcommands', (t) => {
  t.deepEqual(wordsOf('no'), ['node']);
  t.true(wordsOf('').includes('plan'));
  t.deepEqual(wordsOf('plan c'), ['create', 'cancel']);
  t.deepEqual(wordsOf('--conductor 127.0.0.1:7077 plan c'), ['create', 'cancel']);
  t.deepEqual(wordsOf('nosuch x'), []);
  t.true(complete('').candidates.every(({ word, meaning }) => word !== '' && meaning !== ''));
});

test('options: of the command and those that stand everywhere; none after --', (t) => {
  t.deepEqual(wordsOf('node list --fa'), ['--failing']);
  t.deepEqual(wordsOf('node list --js'), ['--json']);
  t.deepEqual(wordsOf('node list -- --fa'), []);
  t.true(wordsOf('plan start -').includes('--queue'));
});

const SOURCES: readonly (readonly [line: string, source: Completion['source']])[] = [
  ['node show ', 'nodes'],
  ['node refresh n1 n2 ', 'nodes'],
  ['node power r7', 'nodes'],
  ['plan cancel ', 'plans'],
  ['plan cancel --reason x ', 'plans'],
  ['plan create ', 'files'],
  ['audit show ', 'audits'],
  ['audit template show ', 'templates'],
  ['audit create --template ', 'templates'],
  ['power watch ', 'tasks'],
  ['node list --zone ', 'zones'],
  ['node create n1 --driver ', 'drivers'],
  ['events --plan ', 'plans'],
  ['context use ', 'contexts'],
  ['--context ', 'contexts'],
  ['node create ', null],
  ['node show n1 ', 'nodes'],
  ['node show --state on --dr', null],
];
for (const [line, source] of SOURCES)
  test(`'${line}' is completed with ${source ?? 'nothing'}`, (t) => t.is(complete(line).source, source));

test('values that are words of ours', (t) => {
  t.deepEqual(wordsOf('node power n1 o'), ['on', 'off']);
  t.deepEqual(wordsOf('node list -o w'), ['wide']);
  t.deepEqual(wordsOf('node list --color a'), ['auto', 'always']);
  t.deepEqual(wordsOf('plan list --state ONGOING CANCELL'), ['CANCELLING', 'CANCELLED']);
  t.deepEqual(wordsOf('completion b'), ['bash']);
});

test('every argument of every command is completed, or is known not to be', (t) => {
  const free = ['name', 'event', 'identity'];
  const pathOf = (command: Command): string[] =>
    command.parent === null ? [] : [...pathOf(command.parent), command.name()];
  const missing = program.commands.flatMap(function within(command): string[] {
    const own = command.registeredArguments.flatMap((argument) => {
      const path = [...pathOf(command), argument.name()].join(' ');
      if (free.includes(argument.name()) || argument.argChoices) return [];
      const { source, candidates } = completionOf(
        [
          ...pathOf(command),
          ...command.registeredArguments.slice(0, command.registeredArguments.indexOf(argument)).map(() => 'x'),
          '',
        ],
        program,
        { target: ['on'] },
      );
      return source === null && candidates.length === 0 ? [path] : [];
    });
    return [...own, ...command.commands.flatMap(within)];
  });
  t.deepEqual(missing, []);
});

test('a conductor that does not answer is no error, and nothing is said', async (t) => {
  const captured = openCaptured(false, { COUNTERMAND_CONDUCTOR: '127.0.0.1:1' });
  t.is(await runCommandLine(['__complete', 'node', 'show', ''], captured.terminal), 0);
  t.is(captured.stdout(), '');
  t.is(captured.stderr(), '');
});

for (const [said, afterMs] of [
  [undefined, 3000],
  ['', 3000],
  ['20', 20_000],
  ['0.5', 500],
  ['0', 3000],
  ['soon', 3000],
  ['1e9', 3000],
] as const)
  test(`a conductor that says nothing has no names after ${afterMs} ms, where the timeout is '${said}'`, async (t) => {
    const clock = new VirtualClock();
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, ownAddress(), resolve));
    t.teardown(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const captured = openCaptured(false, {
      COUNTERMAND_CONDUCTOR: `${ownAddress()}:${port}`,
      ...(said !== undefined && { COUNTERMAND_COMPLETION_TIMEOUT: said }),
    });
    const ended = runCommandLine(['__complete', 'node', 'show', ''], { ...captured.terminal, clock });
    await once(silent, 'connection');
    await clock.turn(afterMs - 1);
    t.is(await Promise.race([ended, Promise.resolve('it waits')]), 'it waits');
    await clock.turn(1);
    t.is(await ended, 0);
    t.is(captured.stdout(), '');
  });

test('the words come with what they mean; files are left to the shell', async (t) => {
  const captured = openCaptured();
  t.is(await runCommandLine(['__complete', 'plan', 'cancel', '--rol'], captured.terminal), 0);
  t.regex(captured.stdout(), /^--rollback\t\S.*\n$/);
  const files = openCaptured();
  await runCommandLine(['__complete', 'plan', 'create', ''], files.terminal);
  t.is(files.stdout(), ':files\t\n');
});
