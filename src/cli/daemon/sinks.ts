/** What the sinks of a conductor are made with: their kinds, the secrets beside it, and the file of `sink_access`. */
import { BlockList, isIP } from 'node:net';
import * as z from 'zod';
import { BmcAccess, type BmcAccessRules } from '../../agent/bmc_access.ts';
import { resolveSecrets, unreadIn } from '../../agent/secrets.ts';
import type { Vault } from '../../agent/vault.ts';
import { fail } from '../../core/errors.ts';
import { type OutletParts, referringKeys, type Settings } from '../../core/outlets.ts';
import { isReference } from '../../core/references.ts';
import { readSmallFile } from '../../core/small_file.ts';
import type { SinkMakers } from '../../server/sinks/sinks.ts';
import { SINK_KINDS } from '../../sinks/list.ts';
import { checkValues, type FileKind, must, parseValues } from '../shared/order_file.ts';
import type { Terminal } from '../shared/terminal.ts';
import { place, secret } from './bmc_access.ts';
import type { Configuration } from './configuration.ts';

const READER = { who: 'the conductor', what: 'settings' };
const BOUND = { rules: 'sink_access of the conductor', by: 'the kind' };

/** What sinks are made with. @throws CONFIGURATION_INVALID for a file that cannot be used */
export function openSinkMakers(
  { secretsFolder, sinkAccess }: Omit<Configuration, 'tls'>,
  vault: Vault | null,
  { environment }: Terminal,
): SinkMakers {
  const sources = { folder: secretsFolder, environment, vault, reader: READER };
  const access = sinkAccess === null ? null : readSinkAccess(sinkAccess);
  return {
    kinds: SINK_KINDS,
    async resolve(kind, settings) {
      await Promise.all(unreadIn(settings, sources).map((reference) => vault?.read(reference)));
      return resolveSecrets(settings, referringKeys(kind), sources);
    },
    objectionOf: ({ name }, settings) => (access === null ? usualObjection : boundBy(access, name, settings)),
  };
}

const boundBy = (access: BmcAccess, driver: string, settings: Settings): OutletParts['objection'] => {
  const references = Object.values(settings).filter(isReference);
  return (host, address, isPlain) => {
    const way = { driver, host, references, dangers: isPlain ? (['plaintext'] as const) : [] };
    return access.objectionTo(way)(address)?.message ?? null;
  };
};

const LINK = new BlockList();
LINK.addSubnet('169.254.0.0', 16, 'ipv4');
LINK.addSubnet('fe80::', 10, 'ipv6');
LINK.addAddress('fd00:ec2::254', 'ipv6');
const OWN = new BlockList();
OWN.addSubnet('127.0.0.0', 8, 'ipv4');
OWN.addAddress('::1', 'ipv6');

/** Without a file: the addresses of a link have no names and answer anybody, those of clouds with secrets. */
export const usualObjection: OutletParts['objection'] = (host, address, isPlain) => {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const at = host === address ? address : `${host} (${address})`;
  if (LINK.check(address, family))
    return `${at} is an address of the link: sink_access has to allow it; nothing was sent`;
  if (isPlain && !OWN.check(address, family))
    return `${at} is on another host, and without TLS others on the way read and change what is sent: sink_access has to allow it; nothing was sent`;
  return null;
};

const KIND: FileKind = { what: 'sink_access', code: 'CONFIGURATION_INVALID', tooLarge: 'any sink_access' };
const kinds = SINK_KINDS.map(({ name }) => name) as [string, ...string[]];

const schema = z.strictObject(
  {
    networks: z.array(place, must('a list of places')).optional(),
    rules: z
      .array(
        z.strictObject({
          addresses: z.array(place, must('a list of places')).min(1, 'must name a place'),
          kinds: z.array(z.enum(kinds, must(kinds.join(', '))), must('a list of kinds')).optional(),
          secrets: z.array(secret, must('a list of references')).optional(),
          allow: z.array(z.enum(['plaintext'], must('plaintext')), must('a list')).optional(),
        }),
        must('a list of rules'),
      )
      .optional(),
  },
  must('a list of KEY: VALUE lines'),
);

const keysAt = (path: readonly PropertyKey[]): readonly string[] =>
  path.length === 0 ? ['networks', 'rules'] : ['addresses', 'kinds', 'secrets', 'allow'];

/** The rules of a file. @throws CONFIGURATION_INVALID naming the file and the place in it */
export function readSinkAccess(path: string): BmcAccess {
  let text: string;
  try {
    text = readSmallFile(path);
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `sink_access cannot be read: ${(error as Error).message}`);
  }
  const { networks, rules } = checkValues(parseValues(text, path, KIND) ?? {}, path, schema, keysAt, KIND);
  const bound: BmcAccessRules['rules'] = rules?.map(({ kinds: drivers, ...rule }) => ({ ...rule, drivers }));
  return new BmcAccess({ networks, rules: bound }, BOUND);
}
