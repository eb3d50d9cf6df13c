/** The habits that operators bring from other tools, each with our command for it: a table of docs/cli.md. */
import { code, markdownTable } from './markdown.ts';

/** One habit: kubectl, openstack baremetal, ipmipower, temporal, ours. `none: REASON` where a tool has no such thing. */
type Habit = readonly [
  what: string,
  kubectl: string,
  openstack: string,
  ipmipower: string,
  temporal: string,
  ours: string,
];

const NONE = 'none: ';

const HABITS: readonly Habit[] = [
  ['list', 'get nodes -o wide', 'node list --long', '--stat', 'workflow list', 'node list -o wide'],
  ['follow a list', 'get nodes -w', `${NONE}poll`, `${NONE}poll`, `${NONE}poll`, 'node list --watch'],
  [
    'select by label',
    'get nodes -l rack=7',
    `${NONE}traits only`,
    `${NONE}host names only`,
    'workflow list --query',
    'node list -l rack=7',
  ],
  [
    'several by range',
    `${NONE}labels instead`,
    `${NONE}one name each`,
    "-h 'r7n[1-60]' --stat",
    `${NONE}queries instead`,
    "node list 'r7n[1-60]' --fold",
  ],
  ['one in full', 'describe node r7n1', 'node show r7n1', `${NONE}a state only`, 'workflow describe', 'node show r7n1'],
  [
    'power off, softly',
    `${NONE}no hardware`,
    'node power off --soft r7n1',
    '--soft',
    `${NONE}no hardware`,
    'node power r7n1 soft_off',
  ],
  ['power cycle', `${NONE}no hardware`, 'node reboot r7n1', '--cycle', `${NONE}no hardware`, 'node power r7n1 reboot'],
  [
    'what would happen',
    'apply --dry-run=server',
    `${NONE}not offered`,
    `${NONE}not offered`,
    `${NONE}not offered`,
    'node power r7n1 off --dry-run',
  ],
  [
    'do not ask',
    `${NONE}asks only with --interactive`,
    `${NONE}never asks`,
    `${NONE}never asks`,
    '--yes',
    '--yes, or --yes=N above 20 nodes',
  ],
  [
    'do not wait',
    '--wait=false',
    `${NONE}it is the default`,
    `${NONE}it is the default`,
    'workflow start',
    '--no-wait',
  ],
  [
    'stop what is under way',
    'rollout pause',
    `${NONE}node abort ends provisioning, no power order`,
    `${NONE}cannot be stopped`,
    'workflow cancel',
    'abort r7n1; plan cancel PLAN',
  ],
  [
    'undo what was done',
    'rollout undo',
    `${NONE}not offered`,
    `${NONE}not offered`,
    `${NONE}by compensation in code`,
    'plan rollback PLAN',
  ],
  [
    'what happened',
    'get events',
    'node history list r7n1',
    `${NONE}keeps nothing`,
    'workflow show',
    'node history r7n1',
  ],
  [
    'the last lines',
    'logs --tail=20 -f',
    `${NONE}not offered`,
    `${NONE}keeps nothing`,
    `${NONE}not offered`,
    'events --tail 20 --follow',
  ],
  [
    'the last minutes',
    'logs --since=10m',
    `${NONE}not offered`,
    `${NONE}keeps nothing`,
    `${NONE}by query`,
    'events --since 10m',
  ],
  ['for programs', '-o json', '-f json', `${NONE}text only`, '-o json', '-o json, or --json'],
  [
    'another server',
    '--context east',
    '--os-cloud east',
    `${NONE}talks to BMCs itself`,
    '--env east',
    '--context east',
  ],
];

/** The table. Where a tool has nothing for a habit, the cell says why. */
export function habitTable(): string {
  const cell = (text: string): string => (text.startsWith(NONE) ? `– (${text.slice(NONE.length)})` : code(text));
  const rows = HABITS.map(([what, ...commands]) => [what, ...commands.map(cell)]);
  return markdownTable(['habit', 'kubectl', 'openstack baremetal', 'ipmipower', 'temporal', 'countermand'], rows);
}
