/**
 * Stories of OpenStack's clients as text: what was typed after `$`, and all that was printed. UPDATE=1 writes them anew.
 *
 * $ baremetal node list        a command of a client, as it is
 * $ until n1 power on          waits until a node is free and reads so
 * $ until n1 confirming        waits until what holds a node was sent
 * $ until plan {plan} ONGOING  waits until a plan is in a state
 * $ sdk get_node ["n1"]        a call of openstacksdk, its arguments as JSON; an object has those that are named
 * $ ironic set_power_state []  a call of ironicclient's Python API
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import { powerStateWord } from '../../src/http/ironic/node_view.ts';
import { planState } from '../../src/http/watcher/view.ts';
import { eventually } from '../counterparts/eventually.ts';
import type { FieldClients } from '../counterparts/field_clients.ts';
import type { Client } from '../e2e/client.ts';
import type { House } from '../e2e/house.ts';

/** What a story is told with. */
export interface StoryParts {
  readonly house: House;
  readonly clients: FieldClients;
  /** Words of the story that are only known now, and what they stand for. */
  readonly known?: Readonly<Record<string, string>>;
}

/** Holds a story against what happens. */
export async function tell(t: ExecutionContext, name: string, parts: StoryParts): Promise<void> {
  const path = fileURLToPath(new URL(`${name}.txt`, import.meta.url));
  const text = readFileSync(path, 'utf8');
  const happened: string[] = [];
  const names = new Names();
  for (const line of text.split('\n')) {
    // Comments and headings stay; what was printed before is printed again.
    if (line.startsWith('#')) happened.push(happened.length === 0 ? line : `\n${line}`);
    if (!line.startsWith('$ ')) continue;
    const printed = await happen(names.back(line.slice(2)), parts);
    happened.push([`\n${line}`, ...(printed === '' ? [] : [names.given(printed)])].join('\n'));
  }
  const told = `${happened.join('\n')}\n`;
  if (process.env.UPDATE === '1') writeFileSync(path, told);
  t.is(told, process.env.UPDATE === '1' ? told : text);
}

async function happen(line: string, { house, clients, known = {} }: StoryParts): Promise<string> {
  const words = Object.entries(known).reduce((so, [word, value]) => so.replaceAll(`{${word}}`, value), line);
  const [verb = '', name = '', ...rest] = words.split(' ');
  if (verb === 'until' && name === 'plan') {
    const [actionPlan = '', state = ''] = rest;
    await eventually(`${actionPlan} to be ${state}`, async () => {
      const { actionPlan: plan } = await house.client.plans.getActionPlan({ actionPlan });
      return plan !== undefined && planState(plan.state) === state;
    });
    return '';
  }
  if (verb === 'until') {
    await untilFree(house, name, rest.join(' '));
    return '';
  }
  if (verb === 'sdk' || verb === 'ironic') {
    const given: unknown[] = rest.length === 0 ? [] : JSON.parse(rest.join(' '));
    const args = given.filter((each) => typeof each !== 'object');
    const kwargs = given.find((each) => typeof each === 'object') ?? {};
    return JSON.stringify(await clients[verb](name, args, kwargs));
  }
  const { exitCode, stdout, stderr } = await clients.run(partsOf(words));
  const printed = [stdout.trimEnd(), stderr.trimEnd(), exitCode === 0 ? '' : `exit ${exitCode}`];
  return printed.filter((part) => part !== '').join('\n');
}

/** Words between blanks; what stands in quotes is one. */
const partsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');

/** Waits until a node is free and in a power state, or, for `confirming`, until what holds it was sent. */
export async function untilFree({ client }: House, name: string, state: string): Promise<void> {
  await eventually(`${name} to be free and ${state}`, async () => {
    const { node } = await client.nodes.getNode({ node: name });
    if (state === 'confirming') return node !== undefined && (await isSent(client, node.heldBy));
    return node !== undefined && node.heldBy === '' && powerStateWord(node.powerState) === state;
  });
}

async function isSent({ power }: Client, uuid: string): Promise<boolean> {
  if (uuid === '') return false;
  const { task } = await power.getPowerTask({ task: uuid });
  return task?.state === PowerTaskState.CONFIRMING;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Uuids as they are told: numbered in the order in which they come, and as wide as they are. */
class Names {
  readonly #told = new Map<string, string>();

  /** A text as it is told. */
  given(text: string): string {
    return text
      .replaceAll(UUID, (uuid) => {
        const told = this.#told.get(uuid) ?? `00000000-0000-0000-0000-${String(this.#told.size + 1).padStart(12, '0')}`;
        this.#told.set(uuid, told);
        return told;
      })
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '2026-01-01T00:00:00.000Z')
      .replaceAll(/http:\/\/127[.\d]+:\d+/g, 'http://HOST')
      .replaceAll(/ since \d+ s\b/g, ' since some s')
      .replaceAll(/[ \t]+$/gm, '');
  }

  /** A line of the story with the real uuids. */
  back(line: string): string {
    const real = new Map([...this.#told].map(([uuid, told]) => [told, uuid]));
    return line.replaceAll(UUID, (told) => real.get(told) ?? told);
  }
}
