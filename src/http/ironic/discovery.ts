/** What clients ask before anything else: which versions there are, and where. */
import * as z from 'zod';
import { ok } from '../answer.ts';
import { linksTo } from '../pages.ts';
import { type Route, route } from '../route.ts';
import { IRONIC_VERSIONS } from '../versions.ts';

const text = z.string();
const Link = z.object({ href: text, rel: text });
const Version = z.object({ id: text, status: text, min_version: text, version: text, links: z.array(Link) });
const Root = z.object({ name: text, description: text, versions: z.array(Version), default_version: Version });
const First = z.object({ id: text, version: Version, links: z.array(Link) }).catchall(z.array(Link));

/** One version for all: the root can speak for one of the two APIs, and Watcher's clients never ask. */
const versionAt = (base: string): z.infer<typeof Version> => ({
  id: 'v1',
  status: 'CURRENT',
  min_version: IRONIC_VERSIONS.lowest,
  version: IRONIC_VERSIONS.newest,
  links: [{ href: `${base}/v1/`, rel: 'self' }],
});

const COLLECTIONS = ['nodes', 'drivers', 'conductors', 'chassis', 'ports', 'portgroups', 'allocations'];

/** The routes of discovery, which need no credentials. */
export const DISCOVERY_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/',
    chapter: 'ironic',
    says: 'answers which versions there are',
    command: 'openstacksdk, before its first call',
    differs: 'The versions are those of Ironic. `watcher` never asks.',
    status: 200,
    answer: Root,
    handle({ base }) {
      const version = versionAt(base);
      const description = 'A bare-metal conductor whose orders can be taken back.';
      return ok({ name: 'countermand', description, versions: [version], default_version: version } satisfies z.infer<
        typeof Root
      >);
    },
  }),
  route({
    method: 'GET',
    path: '/v1',
    chapter: 'ironic',
    says: 'answers what there is in this version',
    command: 'baremetal, to negotiate a version',
    status: 200,
    answer: First,
    handle({ base }) {
      const collections = COLLECTIONS.map((name) => [name, linksTo(base, `${name}/`)] as const);
      const links = [{ href: `${base}/v1/`, rel: 'self' }];
      return ok({ id: 'v1', version: versionAt(base), links, ...Object.fromEntries(collections) });
    },
  }),
];
