/** The completion scripts in the real shells, with names from a real conductor. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { type House, openHouse } from './house.ts';

const BIN = dirname(fileURLToPath(new URL('../../bin/countermand', import.meta.url)));
const run = promisify(execFile);

async function openNamed(t: ExecutionContext): Promise<House> {
  const house = await openHouse(t, { here: true });
  for (const name of ['r7n1', 'r7n2', 'r8n1'])
    await house.client.nodes.createNode({ name, driver: 'fake', driverInfo: { fake_address: name } });
  const actions = [{ name: 'a', actionType: 'nop', inputParameters: {} }];
  for (const name of ['rack 7 down', 'rack:8', 'other'])
    await house.client.plans.createActionPlan({ requestId: name, name, actions });
  return house;
}

/** The environment of a person who talks to this house. */
async function person(t: ExecutionContext, house: House) {
  const folder = await newFolder(t);
  return {
    PATH: `${BIN}:${process.env.PATH}`,
    HOME: folder,
    TERM: 'dumb',
    COUNTERMAND_CONDUCTOR: house.address,
    // Of a computer that is busy.
    COUNTERMAND_COMPLETION_TIMEOUT: '300',
  };
}

/** Bash splits a line into words of its own; this is how readline does it. The last is the one at the cursor. */
function wordsOf(line: string): string[] {
  const words = line.match(/(?:\\.|"[^"]*"?|'[^']*'?|[^\s:="'])+|[:=]+/g) ?? [];
  return [...words, ...(line.endsWith(' ') && !line.endsWith('\\ ') ? [''] : [])];
}

/** What a bash offers for lines, one after the other, its cursor at the end of each. */
async function inBash(lines: readonly string[], env: Record<string, string>): Promise<string[][]> {
  const code = `
    source <(countermand completion bash)
    compopt() { echo files; }
    while (($#)); do
      COMP_LINE=$1 COMP_POINT=\${#1} COMP_CWORD=$(($2 - 1)) COMP_WORDS=("\${@:3:$2}") COMPREPLY=()
      shift $(($2 + 2))
      _countermand
      printf '%s\\n' "\${COMPREPLY[@]}" 'end of offers'
    done`;
  const words = lines.map(wordsOf);
  const given = lines.flatMap((line, at) => [line, String(words[at]?.length), ...(words[at] ?? [])]);
  const { stdout } = await run('bash', ['--norc', '-c', code, 'bash', ...given], { env });
  const offers = stdout.split('end of offers\n').slice(0, -1);
  return offers.map((text) => text.split('\n').filter((word) => word !== ''));
}

test('bash: commands, names that have to be quoted, names with colons, files', async (t) => {
  const env = await person(t, await openNamed(t));
  const offered: Readonly<Record<string, readonly string[]>> = {
    'countermand plan ca': ['cancel'],
    'countermand node show r7': ['r7n1', 'r7n2'],
    'countermand plan cancel rack\\ ': ['rack\\ 7\\ down'],
    "countermand plan cancel 'rack 7": ['rack 7 down'],
    'countermand plan cancel rack:': ['8'],
    'countermand node power r7n1 soft_': ['soft_reboot', 'soft_off'],
    'countermand plan create ': ['files'],
    [`countermand --conductor ${env.COUNTERMAND_CONDUCTOR} node show r8`]: ['r8n1'],
  };
  const found = await inBash(Object.keys(offered), env);
  t.deepEqual(found, Object.values(offered) as string[][]);
});

test('zsh: candidates with what they mean', async (t) => {
  const env = await person(t, await openNamed(t));
  // zsh completes in its line editor only, so it runs in a pseudo-terminal, and each TAB lists what it offers.
  const rc = [
    'autoload -Uz compinit && compinit -u -d $HOME/dump',
    'source <(countermand completion zsh)',
    "zstyle ':completion:*' list-grouped false",
    `_describe() { print -rl -- "offered \${(@P)2}" > $HOME/offered }`,
    `PS1="ready> "`,
  ];
  await writeFile(join(env.HOME, '.zshrc'), `${rc.join('\n')}\n`);
  const code = [
    'zmodload zsh/zpty',
    'zpty shell zsh -i',
    'mkfifo $HOME/offered',
    'zpty -r shell out "*ready> *"',
    'zpty -w -n shell "countermand node show r7"$\'\\t\'',
    'cat $HOME/offered',
    'zpty -d shell',
  ];
  const { stdout } = await run('zsh', ['-f', '-c', code.join('\n')], { env });
  t.deepEqual(stdout.trim().split('\n'), ['offered r7n1:fake in default', 'offered r7n2:fake in default']);
});

test('fish: candidates with what they mean', async (t) => {
  const env = await person(t, await openNamed(t));
  const folder = join(env.HOME, '.config/fish/completions');
  await mkdir(folder, { recursive: true });
  const { stdout: script } = await run('countermand', ['completion', 'fish'], { env });
  await writeFile(join(folder, 'countermand.fish'), script);
  const inFish = async (line: string): Promise<string[]> => {
    const { stdout } = await run('fish', ['-c', 'complete -C $argv[1]', line], { env });
    return stdout.split('\n').filter((word) => word !== '');
  };
  t.deepEqual(await inFish('countermand node show r7'), ['r7n1\tfake in default', 'r7n2\tfake in default']);
  t.deepEqual(await inFish('countermand plan canc'), ['cancel\tcancel a plan']);
  t.deepEqual(await inFish('countermand plan cancel rack'), ['rack 7 down', 'rack:8']);
});
