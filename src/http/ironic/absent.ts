/** What Ironic has and countermand has not: lists are empty, one thing is 404, and everything else is 501 with a sentence. */
import * as z from 'zod';
import { ok } from '../answer.ts';
import { Refusal } from '../errors.ts';
import { type Method, notHere, type Route, type RouteText, route } from '../route.ts';
import { nodeNamed } from './ask_nodes.ts';

/** Whatever is asked of an empty list, it is empty. */
const Anything = z.looseObject({});

const inChapter = (method: Method, path: string): Pick<RouteText, 'method' | 'path' | 'chapter'> => ({
  method,
  path,
  chapter: 'ironic',
});

/** The collections, and what one of them is called. */
const COLLECTIONS: readonly (readonly [path: string, name: string, one: string, command: string])[] = [
  ['chassis', 'chassis', 'chassis', 'baremetal chassis'],
  ['ports', 'ports', 'port', 'baremetal port'],
  ['portgroups', 'portgroups', 'port group', 'baremetal port group'],
  ['allocations', 'allocations', 'allocation', 'baremetal allocation'],
  ['deploy_templates', 'deploy_templates', 'deploy template', 'baremetal deploy template'],
  ['volume/connectors', 'connectors', 'volume connector', 'baremetal volume connector'],
  ['volume/targets', 'targets', 'volume target', 'baremetal volume target'],
];

function collection([path, name, one, command]: (typeof COLLECTIONS)[number]): Route[] {
  const empty = (at: string, says: string): Route =>
    route({
      ...inChapter('GET', at),
      says,
      command: `${command} list`,
      status: 200,
      query: Anything,
      answer: z.object({ [name]: z.array(z.never()) }),
      handle: () => ok({ [name]: [] }),
    });
  const says = `manage anything called ${one}`;
  return [
    empty(`/v1/${path}`, `an empty list: countermand knows no ${one}`),
    empty(`/v1/${path}/detail`, `an empty list, as without \`detail\``),
    notHere({ ...inChapter('POST', `/v1/${path}`), says, command: `${command} create` }),
    route({
      ...inChapter('GET', `/v1/${path}/{${WORD}}`),
      says: `404: countermand knows no ${one}`,
      command: `${command} show`,
      status: 404,
      query: Anything,
      handle({ params }) {
        throw new Refusal(404, `there is no ${one} '${(params[WORD] ?? '').slice(0, 100)}'; countermand knows none`);
      },
    }),
    notHere({ ...inChapter('PATCH', `/v1/${path}/{${WORD}}`), says, command: `${command} set` }),
    notHere({ ...inChapter('DELETE', `/v1/${path}/{${WORD}}`), says, command: `${command} delete` }),
  ];
}

const WORD = 'ident';

/** The lists below a node, and the command that asks for them. */
const OF_NODE: readonly (readonly [path: string, name: string, command: string])[] = [
  ['ports', 'ports', 'baremetal port list --node'],
  ['portgroups', 'portgroups', 'baremetal port group list --node'],
  ['traits', 'traits', 'baremetal node trait list'],
  ['history', 'history', 'baremetal node history list'],
  ['vifs', 'vifs', 'baremetal node vif list'],
  ['bios', 'bios', 'baremetal node bios setting list'],
];

const listOfNode = ([path, name, command]: (typeof OF_NODE)[number]): Route =>
  route({
    ...inChapter('GET', `/v1/nodes/{node}/${path}`),
    says: 'an empty list, if there is such a node',
    command,
    calls: 'NodeService.GetNode',
    status: 200,
    query: Anything,
    answer: z.object({ [name]: z.array(z.never()) }),
    async handle({ params, conductor }) {
      await nodeNamed(params.node ?? '', conductor);
      return ok({ [name]: [] });
    },
  });

/** The rest: method, path, what countermand does not do, and the command that sends it. */
const REST: readonly (readonly [method: Method, path: string, says: string, command?: string])[] = [
  ['GET', '/v1/nodes/{node}/management/boot_device', 'read boot devices', 'baremetal node boot device show'],
  ['PUT', '/v1/nodes/{node}/management/boot_device', 'set boot devices', 'baremetal node boot device set'],
  ['GET', '/v1/nodes/{node}/management/boot_device/supported', 'know boot devices'],
  ['GET', '/v1/nodes/{node}/management/indicators', 'switch indicators'],
  ['GET', '/v1/nodes/{node}/states/console', 'open consoles', 'baremetal node console show'],
  ['PUT', '/v1/nodes/{node}/states/console', 'open consoles', 'baremetal node console enable, disable'],
  ['PUT', '/v1/nodes/{node}/states/raid', 'configure RAID', 'baremetal node set --target-raid-config'],
  ['PUT', '/v1/nodes/{node}/states/boot_mode', 'set boot modes', 'baremetal node boot mode set'],
  ['PUT', '/v1/nodes/{node}/states/secure_boot', 'set secure boot', 'baremetal node secure boot on, off'],
  ['PUT', '/v1/nodes/{node}/traits', 'keep traits; put them into extra', 'baremetal node trait'],
  ['DELETE', '/v1/nodes/{node}/traits', 'keep traits', 'baremetal node trait'],
  ['PUT', '/v1/nodes/{node}/traits/{trait}', 'keep traits; put them into extra', 'baremetal node add trait'],
  ['DELETE', '/v1/nodes/{node}/traits/{trait}', 'keep traits', 'baremetal node remove trait'],
  ['POST', '/v1/nodes/{node}/vifs', 'attach networks', 'baremetal node vif attach'],
  ['DELETE', '/v1/nodes/{node}/vifs/{vif}', 'attach networks', 'baremetal node vif detach'],
  ['GET', '/v1/nodes/{node}/vendor_passthru/methods', 'pass anything through to vendors'],
  ['GET', '/v1/nodes/{node}/vendor_passthru', 'pass anything through to vendors'],
  ['POST', '/v1/nodes/{node}/vendor_passthru', 'pass anything through to vendors', 'baremetal node passthru call'],
  ['GET', '/v1/nodes/{node}/inventory', 'inspect hardware', 'baremetal node inventory save'],
  ['GET', '/v1/nodes/{node}/firmware', 'manage firmware', 'baremetal node firmware list'],
  ['GET', '/v1/drivers/{driver}/vendor_passthru/methods', 'pass anything through to vendors'],
  ['GET', '/v1/drivers/{driver}/raid/logical_disk_properties', 'configure RAID'],
  ['GET', '/v1/lookup', 'boot agents on nodes'],
  ['POST', '/v1/heartbeat/{node}', 'boot agents on nodes'],
  ['POST', '/v1/events', 'take events of networks'],
  ['GET', '/v1/shards', 'divide nodes into shards', 'baremetal shard list'],
];

/** The routes of what is not here. */
export const ABSENT_ROUTES: readonly Route[] = [
  ...COLLECTIONS.flatMap(collection),
  ...OF_NODE.map(listOfNode),
  ...REST.map(([method, path, says, command]) =>
    notHere({ ...inChapter(method, path), says, ...(command !== undefined && { command }) }),
  ),
];
