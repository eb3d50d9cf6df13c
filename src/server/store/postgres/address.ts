/**
 * Where a PostgreSQL database is: `postgres://USER@HOST:PORT/NAME?sslmode=verify-full`. A URL that says something else than what
 * it is thought to say is refused, because a misspelled `sslmode` would leave the connection open to everybody on the way.
 */
import type { ConnectionOptions } from 'node:tls';
import { fail } from '../../../core/errors.ts';
import { readAtStart } from '../../../core/small_file.ts';

/** Where a database is, and how it is reached. */
export interface PostgresAddress {
  /** A host name, an IP address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** A function is asked for it at each connection. Null: PGPASSWORD or ~/.pgpass, as for any other client of PostgreSQL. */
  readonly password: string | (() => string) | null;
  /** False: no TLS. */
  readonly ssl: ConnectionOptions | false;
  /** Options for the session, such as `-c search_path=countermand`. */
  readonly options: string | undefined;
  /** The same in words, for people: never with the user's password. */
  readonly words: string;
}

const PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options'] as const;
const MODES = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
const DEFAULT_PORT = 5432;

/** A URL with a user and without a host is none to the parser; with a Unix socket it is usual. */
const NO_HOST = /^(\w+:\/\/[^/?#@]*@)(?=\/)/;
const NOWHERE = 'nowhere.invalid';

/**
 * Reads a URL.
 * @param password null if none was given
 * @throws CONFIGURATION_INVALID saying which part of the URL is wrong; never with a password that it has
 */
export function readPostgresUrl(text: string, password: PostgresAddress['password']): PostgresAddress {
  const url = URL.parse(text.replace(NO_HOST, `$1${NOWHERE}`));
  if (url === null || !/^postgres(ql)?:\/\//.test(text))
    throw invalid('it is no URL of the form postgres://USER@HOST:PORT/NAME');
  if (url.password !== '')
    throw invalid('it contains a password; give that in database_password_file or COUNTERMAND_DATABASE_PASSWORD');
  const given = parametersOf(url);
  const host = given.host ?? url.hostname.replace(/^\[(.*)\]$/, '$1').replace(NOWHERE, '');
  const user = decoded(url.username);
  const database = decoded(url.pathname.slice(1));
  if (host === '') throw invalid('it names no host; a Unix socket is named by its folder: ?host=/run/postgresql');
  if (user === '') throw invalid('it names no user');
  if (database === '' || database.includes('/')) throw invalid('it names no database, as in postgres://USER@HOST/NAME');
  const port = Number(given.port ?? (url.port || DEFAULT_PORT));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw invalid('its port is no number from 1 to 65535');
  return {
    ...{ host, port, user, database, password },
    ssl: tlsOf(given, host),
    options: given.options,
    words: `database ${database} on ${host.startsWith('/') ? host : `${host}:${port}`}`,
  };
}

type Parameters = Partial<Record<(typeof PARAMETERS)[number], string>>;

function parametersOf({ searchParams }: URL): Parameters {
  const unknown = [...searchParams.keys()].find((name) => !PARAMETERS.some((known) => known === name));
  if (unknown !== undefined)
    throw invalid(`it has a parameter '${unknown}' that is none; there are ${PARAMETERS.join(', ')}`);
  return Object.fromEntries(searchParams);
}

const isOnThisHost = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');

/** Where no mode is given, what leaves this host is encrypted, and the server is verified. */
function tlsOf(given: Parameters, host: string): ConnectionOptions | false {
  const mode = given.sslmode ?? (isOnThisHost(host) ? 'disable' : 'verify-full');
  if (!MODES.some((known) => known === mode))
    throw invalid(`its sslmode is '${mode}', and must be one of ${MODES.join(', ')}`);
  const files = { ca: given.sslrootcert, cert: given.sslcert, key: given.sslkey };
  const named = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (mode === 'disable') {
    if (named.length > 0) throw invalid('it names certificates, and does not use TLS; add sslmode=verify-full');
    return false;
  }
  return {
    ...Object.fromEntries(named.map(([name, path]) => [name, readFile(path)])),
    rejectUnauthorized: mode !== 'require',
    // verify-ca: any name will do, if an authority that we know has signed for it.
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}

function readFile(path: string): string {
  try {
    return readAtStart(path);
  } catch (error) {
    throw invalid(`its file ${path} cannot be read: ${(error as Error).message}`);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('its percent signs are not those of a URL');
  }
}

const invalid = (what: string) => fail('CONFIGURATION_INVALID', `database: the URL is not usable: ${what}`);
