/** `countermand agent list`, `zone list`, `driver list`: who serves what. */
import type { Command } from 'commander';
import { TARGET_TABLE } from '../../core/power.ts';
import { Agent, Driver, Zone } from '../../gen/countermand/v1/conductor.ts';
import type { PowerTarget } from '../../gen/countermand/v1/power.ts';
import { asking, type Call } from '../shared/asking.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { shortId } from '../shared/short_ids.ts';
import type { Terminal } from '../shared/terminal.ts';
import { ageWords, targetOf } from '../shared/words.ts';

const AGENT_LIST: Listing<Agent> = {
  things: 'agents',
  type: Agent,
  name: ({ uuid }) => uuid,
  columns: [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'AGENT', cell: ({ uuid }) => shortId(uuid), narrow: true, spare: 2 },
    { head: 'AGENT', cell: ({ uuid }) => uuid, wide: true },
    {
      head: 'STATE',
      cell: ({ attached }) => (attached ? 'attached' : 'lost'),
      meaning: ({ attached }) => (attached ? 'good' : 'bad'),
    },
    {
      head: 'SINCE',
      cell: ({ attached, attachedAt }, { nowMs }) => (attached ? ageWords(attachedAt, nowMs) : ''),
      key: ({ attachedAt }) => -(attachedAt?.getTime() ?? 0),
      spare: 1,
    },
    { head: 'ZONES', cell: ({ zones }) => zones.join(', '), cuts: true },
    { head: 'DRIVERS', cell: ({ drivers }) => drivers.join(', '), cuts: true },
    { head: 'RUNS', cell: ({ embedded }) => (embedded ? 'inside the conductor' : 'alone'), spare: 3 },
    { head: 'ATTACHED', cell: ({ attachedAt }, { time }) => time(attachedAt), wide: true },
  ],
};

const ZONE_LIST: Listing<Zone> = {
  things: 'zones',
  type: Zone,
  name: ({ name }) => name,
  columns: [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'NODES', cell: ({ nodes }) => String(nodes), key: ({ nodes }) => nodes },
    {
      head: 'AGENTS',
      cell: ({ agents }) => agents.join(', ') || 'none',
      meaning: ({ agents }) => (agents.length === 0 ? 'bad' : undefined),
      cuts: true,
    },
    { head: 'DRIVERS', cell: ({ drivers }) => drivers.join(', '), cuts: true },
  ],
};

/** Targets by their words on the command line. */
const targetWords = (targets: readonly PowerTarget[]): string =>
  targets
    .flatMap((value) => {
      const target = targetOf(value);
      return target === null ? [] : [TARGET_TABLE[target].word];
    })
    .join(', ');

const DRIVER_LIST: Listing<Driver> = {
  things: 'drivers',
  type: Driver,
  name: ({ name }) => name,
  columns: [
    { head: 'NAME', cell: ({ name }) => name },
    { head: 'NODES', cell: ({ nodes }) => String(nodes), key: ({ nodes }) => nodes },
    {
      head: 'ZONES',
      cell: ({ zones }) => zones.join(', ') || 'none',
      meaning: ({ zones }) => (zones.length === 0 ? 'bad' : undefined),
      cuts: true,
    },
    { head: 'TAKES BACK', cell: ({ recalls }) => targetWords(recalls) || 'nothing', cuts: true },
    { head: 'TARGETS', cell: ({ targets }) => targetWords(targets), wide: true },
  ],
};

/** Gives a group its command `list`. */
function addListOf<M>(
  group: Command,
  description: string,
  listing: Listing<M>,
  ask: (call: Call) => Promise<readonly M[]>,
  terminal: Terminal,
): void {
  const list = (flags: ListFlags, call: Call): Promise<void> => showList(listing, () => ask(call), flags, call);
  addListFlags(group.command('list').description(description), listing).action(asking(list, terminal));
}

/** Adds `agent list`. */
export function addAgentList(group: Command, terminal: Terminal): void {
  group.addHelpText(
    'after',
    '\nExamples:\n  countermand agent --conductor 10.0.0.1:7077 --zone east\n  countermand agent token create rack7 --zone east > rack7.token\n  countermand agent list',
  );
  const ask = async ({ conductor }: Call) => (await conductor.itself.listAgents({})).agents;
  addListOf(group, 'list the agents of the conductor, with their zones and drivers', AGENT_LIST, ask, terminal);
}

/** Adds `zone list`. */
export function addZoneCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', '\nExamples:\n  countermand zone list');
  const ask = async ({ conductor }: Call) => (await conductor.itself.listZones({})).zones;
  addListOf(group, 'list the zones, with their nodes and the agents that reach them', ZONE_LIST, ask, terminal);
}

/** Adds `driver list`. */
export function addDriverCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', '\nExamples:\n  countermand driver list -o wide');
  const ask = async ({ conductor }: Call) => (await conductor.itself.listDrivers({})).drivers;
  addListOf(group, 'list the drivers, with their nodes and the zones that have them', DRIVER_LIST, ask, terminal);
}
