/**
 * API versions. Ironic and Watcher gate features by them; nothing here does: only the bounds are checked, because a client that
 * asks for more has to negotiate. A request without a version means the newest.
 */
import { Refusal } from './errors.ts';

/** The versions of one of the two APIs. */
interface Versions {
  readonly lowest: string;
  readonly newest: string;
  /** The version that a request asks for, as it stands there; null if it asks for none of this API. */
  asked(headers: Headers): string | null;
  /** The headers of every answer. */
  headers(lowest: string, newest: string): Record<string, string>;
  /** The header of an answer in this version. */
  answered(version: string): Record<string, string>;
}

const INFRA_OPTIM = /^infra-optim\s+(.*)$/;

/** As high as what Debian's clients send, so that they never negotiate; newer ones come down by themselves. */
const IRONIC: Versions = {
  lowest: '1.1',
  newest: '1.78',
  asked: (headers) => headers.get('x-openstack-ironic-api-version'),
  headers: (lowest, newest) => ({
    'X-OpenStack-Ironic-API-Minimum-Version': lowest,
    'X-OpenStack-Ironic-API-Maximum-Version': newest,
  }),
  answered: (version) => ({ 'X-OpenStack-Ironic-API-Version': version }),
};

/** The `watcher` command never negotiates, so this is the newest that any of them sends. */
const WATCHER: Versions = {
  lowest: '1.0',
  newest: '1.7',
  asked: (headers) => INFRA_OPTIM.exec(headers.get('openstack-api-version')?.trim() ?? '')?.[1] ?? null,
  headers: (lowest, newest) => ({
    'OpenStack-API-Minimum-Version': lowest,
    'OpenStack-API-Maximum-Version': newest,
    Vary: 'OpenStack-API-Version',
  }),
  answered: (version) => ({ 'OpenStack-API-Version': `infra-optim ${version}` }),
};

/** The lowest and the newest version of Ironic's API. */
export const IRONIC_VERSIONS = { lowest: IRONIC.lowest, newest: IRONIC.newest } as const;

/** The headers that every answer carries, whatever was asked. */
export const BOUNDS: Readonly<Record<string, string>> = Object.fromEntries(
  [IRONIC, WATCHER].flatMap(({ headers, lowest, newest }) => Object.entries(headers(lowest, newest))),
);

/**
 * The headers that say in which versions a request is answered.
 * @throws Refusal with 406 for a version that is not between the bounds
 */
export function versionsFor(headers: Headers): Record<string, string> {
  const answered = [IRONIC, WATCHER].map((versions) => {
    const { asked, lowest, newest } = versions;
    const version = asked(headers) ?? 'latest';
    if (version === 'latest') return versions.answered(newest);
    if (!isBetween(lowest, version, newest))
      throw new Refusal(406, `version ${version.slice(0, 50)} is not one of ${lowest} to ${newest}`);
    return versions.answered(version);
  });
  return Object.assign({}, ...answered);
}

function isBetween(lowest: string, version: string, newest: string): boolean {
  const [low, asked, high] = [lowest, version, newest].map(minorOf);
  return low !== undefined && asked !== undefined && high !== undefined && low <= asked && asked <= high;
}

/** 78 of `1.78`; NaN of anything else, which is between no bounds. */
const minorOf = (version: string): number => Number(/^1\.(\d{1,5})$/.exec(version)?.[1] ?? Number.NaN);
