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
  const house = await openHouse(t);
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

/** What bash offers for a line, its cursor at the end. */
async function inBash(line: string, env: Record<string, string>): Promise<string[]> {
  // Bash splits a line into words of its own; this is how readline does it.
  const code = `
    source <(countermand completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1}
    mapfile -t COMP_WORDS < <(python3 -c "$SPLIT" "$1")
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    compopt() { echo files; }
    _countermand
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const split = [
    'import re, sys',
    'line = sys.argv[1]',
    'words = re.findall(r"(?:\\\\.|\\"[^\\"]*\\"?|\'[^\']*\'?|[^\\s:=\\"\'])+|[:=]+", line)',
    'print("\\n".join(words + ([""] if line.endswith(" ") and not line.endswith("\\\\ ") else [])))',
  ].join('\n');
  const { stdout } = await run('bash', ['--norc', '-c', code, 'bash', line], { env: { ...env, SPLIT: split } });
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash: commands, names that have to be quoted, names with colons, files', async (t) => {
  const env = await person(t, await openNamed(t));
  t.deepEqual(await inBash('countermand plan ca', env), ['cancel']);
  t.deepEqual(await inBash('countermand node show r7', env), ['r7n1', 'r7n2']);
  t.deepEqual(await inBash('countermand plan cancel rack\\ ', env), ['rack\\ 7\\ down']);
  t.deepEqual(await inBash("countermand plan cancel 'rack 7", env), ['rack 7 down']);
  t.deepEqual(await inBash('countermand plan cancel rack:', env), ['8']);
  t.deepEqual(await inBash('countermand node power r7n1 soft_', env), ['soft_reboot', 'soft_off']);
  t.deepEqual(await inBash('countermand plan create ', env), ['files']);
  t.deepEqual(await inBash(`countermand --conductor ${env.COUNTERMAND_CONDUCTOR} node show r8`, env), ['r8n1']);
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
