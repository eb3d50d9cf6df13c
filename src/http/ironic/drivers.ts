/** Drivers and conductors as Ironic has them: here they are what agents offer, and the agents. */
import * as z from 'zod';
import type { Agent, Driver } from '../../gen/countermand/v1/conductor.ts';
import type { Clients } from '../../server/api/in_process.ts';
import { ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import { linksTo } from '../pages.ts';
import { flag, names } from '../query.ts';
import { type Route, route } from '../route.ts';
import { groupOf, timeText } from './node_view.ts';

const text = z.string();
const Link = z.object({ href: text, rel: text });
const DriverView = z.object({
  name: text,
  type: z.literal('dynamic'),
  hosts: z.array(text).describe('The agents that offer it.'),
  links: z.array(Link),
  properties: z.array(Link),
});
const ConductorView = z.object({
  hostname: text.describe('The name of an agent.'),
  conductor_group: text.describe('Its zones; empty is the zone `default`.'),
  alive: z.boolean(),
  drivers: z.array(text),
  created_at: text.nullable(),
  updated_at: z.null(),
  links: z.array(Link),
});

/** Clients of Ironic send them; every answer is whole. */
const Details = z.strictObject({
  detail: flag.optional(),
  fields: names.optional(),
  type: z.enum(['classic', 'dynamic'], { error: 'it is classic or dynamic' }).optional(),
});

function toDriver({ name, agents }: Driver, base: string): z.infer<typeof DriverView> {
  return {
    name,
    type: 'dynamic',
    hosts: agents,
    links: linksTo(base, `drivers/${name}`),
    properties: linksTo(base, `drivers/${name}/properties`),
  };
}

/** @throws Refusal with 404 */
async function driverNamed(name: string, { itself }: Clients): Promise<Driver> {
  const { drivers } = await itself.listDrivers({});
  const driver = drivers.find((each) => each.name === name);
  if (driver) return driver;
  const those = drivers.map((each) => each.name).join(', ') || 'none';
  throw new Refusal(404, `there is no driver '${name.slice(0, 100)}'; agents offer ${those}`);
}

interface Schema {
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
  readonly required?: readonly string[];
}

/** The keys of driver_info with their meanings. */
function propertiesOf({ driverInfoSchema }: Driver): Record<string, string> {
  const { properties = {}, required = [] } = (driverInfoSchema ?? {}) as Schema;
  const meanings = Object.entries(properties).map(([key, { description = '' }]) => {
    const need = required.includes(key) ? 'Required.' : 'Optional.';
    return [key, `${description.replace(/\.?$/, description === '' ? '' : '.')} ${need}`.trim()];
  });
  return Object.fromEntries(meanings);
}

function toConductor(agent: Agent, base: string): z.infer<typeof ConductorView> {
  return {
    hostname: agent.name,
    conductor_group: agent.zones.map(groupOf).join(','),
    alive: agent.attached,
    drivers: [...agent.drivers],
    created_at: timeText(agent.attachedAt),
    updated_at: null,
    links: linksTo(base, `conductors/${agent.name}`),
  };
}

const DRIVERS: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/drivers',
    chapter: 'ironic',
    says: 'lists the drivers that agents have offered',
    command: 'baremetal driver list',
    calls: 'ConductorService.ListDrivers',
    status: 200,
    query: Details,
    answer: z.object({ drivers: z.array(DriverView) }),
    async handle({ query, base, conductor }) {
      if (query.type === 'classic') return ok({ drivers: [] });
      const { drivers } = await conductor.itself.listDrivers({});
      return ok({ drivers: drivers.map((driver) => toDriver(driver, base)) });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/drivers/{driver}',
    chapter: 'ironic',
    says: 'answers one driver',
    command: 'baremetal driver show',
    calls: 'ConductorService.ListDrivers',
    status: 200,
    query: z.strictObject({ fields: names.optional() }),
    answer: DriverView,
    async handle({ params, base, conductor }) {
      return ok(toDriver(await driverNamed(params.driver ?? '', conductor), base));
    },
  }),
  route({
    method: 'GET',
    path: '/v1/drivers/{driver}/properties',
    chapter: 'ironic',
    says: 'answers the keys of driver_info that a driver takes',
    command: 'baremetal driver property list',
    calls: 'ConductorService.ListDrivers',
    status: 200,
    answer: z.record(text, text),
    async handle({ params, conductor }) {
      return ok(propertiesOf(await driverNamed(params.driver ?? '', conductor)));
    },
  }),
];

const CONDUCTORS: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/conductors',
    chapter: 'ironic',
    says: 'lists the agents',
    command: 'baremetal conductor list',
    calls: 'ConductorService.ListAgents',
    differs: 'What Ironic calls a conductor is an agent here: what reaches a part of the BMC network, its zone.',
    status: 200,
    query: Details.omit({ type: true }),
    answer: z.object({ conductors: z.array(ConductorView) }),
    async handle({ base, conductor }) {
      const { agents } = await conductor.itself.listAgents({});
      return ok({ conductors: agents.map((agent) => toConductor(agent, base)) });
    },
  }),
  route({
    method: 'GET',
    path: '/v1/conductors/{hostname}',
    chapter: 'ironic',
    says: 'answers one agent, by its name',
    command: 'baremetal conductor show',
    calls: 'ConductorService.ListAgents',
    status: 200,
    query: z.strictObject({ fields: names.optional() }),
    answer: ConductorView,
    async handle({ params, base, conductor }) {
      const { agents } = await conductor.itself.listAgents({});
      const named = agents.filter(({ name }) => name === params.hostname);
      // Of several with one name, the one that is there.
      const agent = named.find(({ attached }) => attached) ?? named[0];
      if (agent) return ok(toConductor(agent, base));
      const those = agents.map(({ name }) => name).join(', ') || 'none';
      throw new Refusal(404, `there is no agent '${(params.hostname ?? '').slice(0, 100)}'; there are ${those}`);
    },
  }),
];

/** The routes of drivers and conductors. */
export const DRIVER_ROUTES: readonly Route[] = [...DRIVERS, ...CONDUCTORS];
