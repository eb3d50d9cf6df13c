/**
 * What an agent's configuration lets it do: which addresses it may reach, and where a secret may be used, by which driver, and how. A
 * conductor that was taken over could otherwise send a password that stays beside the agent to any address.
 */
import { BlockList, isIP } from 'node:net';
import { posix } from 'node:path';
import { type CountermandError, fail } from '../core/errors.ts';
import { normalForm } from '../drivers/address.ts';
import type { Danger as BmcDanger, Objection } from '../drivers/bounds.ts';

/** How a way could be read or changed by others: those of BMCs, and for sinks any connection without TLS. */
type Danger = BmcDanger | 'plaintext';

/** IP addresses, networks such as `10.7.0.0/16`, host names as driver_info has them, and `*.` with the end of one. */
type Places = readonly string[];

/** What is allowed at some places. */
interface AccessRule {
  readonly addresses: Places;
  /** Left out: all. */
  readonly drivers?: readonly string[] | undefined;
  /** References that may be used there; `*` stands for any text. */
  readonly secrets?: readonly string[] | undefined;
  readonly allow?: readonly Danger[] | undefined;
}

/** The whole of it. */
export interface BmcAccessRules {
  /** The only places that may be reached. Left out: all. */
  readonly networks?: Places | undefined;
  readonly rules?: readonly AccessRule[] | undefined;
}

/** One way to a BMC, or to the receiver of a sink. */
interface Way {
  /** A host name or an IP address. */
  readonly host: string;
  readonly dangers: readonly Danger[];
  /** Or the kind of a sink. */
  readonly driver: string;
  /** What stands for secrets in its driver_info. */
  readonly references: readonly string[];
}

const WORDS: Readonly<Record<Danger, string>> = {
  http: 'speak http',
  basic_over_http: 'send a password by basic over http',
  unverified_certificates: 'accept a certificate that is not verified',
  plaintext: 'speak without TLS',
};

/** True if the text is an IP address, a network, a host name, or `*.` with the end of one. */
export function isPlace(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (more.length > 0) return false;
  if (bits !== undefined) return version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
  return version !== 0 || /^(\*\.)?[\w-]+(\.[\w-]+)*$/.test(text);
}

/** Answers for a host and the IP address that it has whether they are among these places. */
type Among = (host: string, address: string) => boolean;

function among(places: Places): Among {
  const networks = new BlockList();
  const names: string[] = [];
  for (const place of places) {
    const [address = '', bits] = place.split('/');
    const version = isIP(address);
    if (version === 0) names.push(normalForm(place));
    else networks.addSubnet(address, bits === undefined ? (version === 4 ? 32 : 128) : Number(bits), familyOf(version));
  }
  const isNamed = (host: string): boolean =>
    names.some((name) => (name.startsWith('*.') ? host.endsWith(name.slice(1)) : host === name));
  return (host, address) =>
    networks.check(address, familyOf(isIP(address))) || (isIP(host) === 0 && isNamed(normalForm(host)));
}

const familyOf = (version: number): 'ipv4' | 'ipv6' => (version === 6 ? 'ipv6' : 'ipv4');

function matching(patterns: readonly string[]): (reference: string) => boolean {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's');
  });
  return (reference) => expressions.some((expression) => expression.test(reference));
}

/** A path that leads out of a folder is named by where it leads. */
const plainly = (reference: string): string =>
  reference.startsWith('file:') ? `file:${posix.normalize(reference.slice('file:'.length))}` : reference;

interface Rule {
  readonly isAt: Among;
  readonly isFor: (driver: string) => boolean;
  readonly hasSecret: (reference: string) => boolean;
  readonly allow: readonly Danger[];
}

/** Whom the rules bind, in the words of refusals. */
interface Bound {
  /** `bmc_access of the agent`. */
  readonly rules: string;
  /** What `drivers` of a rule names: `the driver`. */
  readonly by: string;
}

const AGENT: Bound = { rules: 'bmc_access of the agent', by: 'the driver' };

/** The rules of one agent, or of a conductor for its sinks. */
export class BmcAccess {
  readonly #mayReach: Among;
  readonly #rules: readonly Rule[];
  readonly #bound: Bound;

  constructor({ networks, rules = [] }: BmcAccessRules, bound: Bound = AGENT) {
    this.#bound = bound;
    this.#mayReach = networks === undefined ? () => true : among(networks);
    this.#rules = rules.map(({ addresses, drivers, secrets = [], allow = [] }) => ({
      isAt: among(addresses),
      isFor: (driver) => drivers === undefined || drivers.includes(driver),
      hasSecret: matching(secrets),
      allow,
    }));
  }

  /** What is objected to a way once its address is known: BMC_OUT_OF_BOUNDS, and nothing may be sent. */
  objectionTo({ driver, host, references, dangers }: Way): Objection {
    const { rules: whose, by } = this.#bound;
    const refused = (what: string): CountermandError =>
      fail('BMC_OUT_OF_BOUNDS', `${whose} does not let it ${what}; nothing was sent`);
    return (address) => {
      const at = host === address ? address : `${host} (${address})`;
      if (!this.#mayReach(host, address)) return refused(`reach ${at}: it is in none of the networks`);
      const rules = this.#rules.filter(({ isFor, isAt }) => isFor(driver) && isAt(host, address));
      const secret = references.find((reference) => !rules.some(({ hasSecret }) => hasSecret(plainly(reference))));
      if (secret !== undefined) return refused(`use ${secret} with ${by} ${driver} at ${at}: no rule allows it`);
      const danger = dangers.find((each) => !rules.some(({ allow }) => allow.includes(each)));
      if (danger !== undefined) return refused(`${WORDS[danger]} at ${at}: no rule allows ${danger}`);
      return null;
    };
  }
}
