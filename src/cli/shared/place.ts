/** Which conductor a command asks, and how it speaks to it. */
import { resolve } from 'node:path';
import type { ClientTls } from '../../agent/secure_channel.ts';
import { fail } from '../../core/errors.ts';
import { openSmallFile } from '../../core/small_file.ts';
import { DEFAULT_ADDRESS, isLoopback } from './address.ts';
import { findContext, type Reach, readContexts } from './contexts.ts';
import type { Environment } from './terminal.ts';
import { readTlsFiles, type TlsFiles } from './tls_files.ts';

/** The global options that say which conductor is asked, and how. */
export interface ReachOptions {
  readonly conductor?: string;
  readonly context?: string;
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly tokenFile?: string;
  readonly serverName?: string;
  readonly insecure?: boolean;
}

/** A conductor, and how to speak to it. */
export interface Place {
  /** HOST:PORT, or several with commas between them: the conductors of one installation. */
  readonly address: string;
  /** Null: in plaintext. */
  readonly tls: ClientTls | null;
  /** What is shown with each call. Null: nothing. */
  readonly token: string | null;
}

/** What the options say beside the conductor itself; paths begin at the current folder. */
export function givenReach({
  ca,
  certificate,
  key,
  tokenFile,
  serverName,
  insecure,
}: ReachOptions): Omit<Reach, 'conductor'> {
  return {
    ...(ca !== undefined && { ca: resolve(ca) }),
    ...(certificate !== undefined && { certificate: resolve(certificate) }),
    ...(key !== undefined && { key: resolve(key) }),
    ...(tokenFile !== undefined && { tokenFile: resolve(tokenFile) }),
    ...(serverName !== undefined && { serverName }),
    ...(insecure === true && { insecure }),
  };
}

/** What the variables say beside the conductor itself. */
function reachOfVariables(environment: Environment): Omit<Reach, 'conductor'> {
  const { COUNTERMAND_CA, COUNTERMAND_CERTIFICATE, COUNTERMAND_KEY, COUNTERMAND_SERVER_NAME } = environment;
  return givenReach({
    ...(COUNTERMAND_CA && { ca: COUNTERMAND_CA }),
    ...(COUNTERMAND_CERTIFICATE && { certificate: COUNTERMAND_CERTIFICATE }),
    ...(COUNTERMAND_KEY && { key: COUNTERMAND_KEY }),
    ...(environment.COUNTERMAND_TOKEN_FILE && { tokenFile: environment.COUNTERMAND_TOKEN_FILE }),
    ...(COUNTERMAND_SERVER_NAME && { serverName: COUNTERMAND_SERVER_NAME }),
  });
}

/**
 * The conductor that a command asks: the option --conductor, else the context of the option --context, else the variable, else
 * the context in use, else where one listens by default. A context brings its own files; to every other conductor belong
 * those of the variables. Options win over both.
 * @throws ARGUMENT_INVALID if both options are given, or for a context that is not there
 */
export function reachOf(options: ReachOptions, environment: Environment): Reach {
  const { conductor, context } = options;
  if (conductor !== undefined && context !== undefined)
    throw fail('ARGUMENT_INVALID', '--conductor and --context both say which conductor is asked; give one of them');
  const given = givenReach(options);
  const named = conductor ?? (context === undefined ? environment.COUNTERMAND_CONDUCTOR : undefined);
  if (named) return { ...reachOfVariables(environment), ...given, conductor: named };
  const contexts = readContexts(environment);
  const name = context ?? contexts.current;
  if (name !== null) return { ...findContext(name, contexts), ...given };
  return { ...reachOfVariables(environment), ...given, conductor: DEFAULT_ADDRESS };
}

const FLAGS = { certificate: '--certificate', key: '--key', ca: '--ca' };

/** `reachOf` with its files read. @throws ARGUMENT_INVALID also for a file that cannot be used, naming its flag */
export function placeOf(options: ReachOptions, environment: Environment): Place {
  const { conductor: address, ca = null, certificate = null, key = null, ...how } = reachOf(options, environment);
  const { serverName = null, insecure = false, tokenFile } = how;
  const files = { ca, certificate, key };
  const material = readTlsFiles(files, FLAGS, (sentence) => fail('ARGUMENT_INVALID', sentence));
  const tls = speaksTls({ address, files, serverName, insecure }) ? { material, serverName } : null;
  const refuse = (sentence: string) => fail('ARGUMENT_INVALID', sentence);
  const token = tokenFile === undefined ? null : openToken(tokenFile, '--token-file', refuse)();
  if (token !== null) keepSecret(address, tls !== null, refuse);
  return { address, tls, token };
}

/**
 * Returns what reads the token in a file, on a line of its own, as often as it is called; a pipe is read once, here.
 * @param name the flag or the key that names the file
 * @throws what `refuse` makes for a pipe that cannot be read; what it returns does so if there is no token
 */
export function openToken(path: string, name: string, refuse: (sentence: string) => Error): () => string {
  const textNow = openSmallFile(path, ({ code }) => refuse(`${name}: ${path} cannot be read (${code})`));
  return () => {
    const text = textNow().trim();
    if (/^[\x21-\x7e]{1,8192}$/.test(text)) return text;
    throw refuse(`${name}: ${path} does not contain a token (one word)`);
  };
}

/** @throws what `refuse` makes if a token would be sent where others can read it */
export function keepSecret(address: string, isSecure: boolean, refuse: (sentence: string) => Error): void {
  if (isSecure || isLoopback(address)) return;
  throw refuse(
    `a token is not sent to ${address} in plaintext, where others can read it; leave out --insecure, or the token`,
  );
}

/** What decides between TLS and plaintext. */
interface Choice {
  readonly address: string;
  readonly files: TlsFiles;
  readonly serverName: string | null;
  /** Plaintext is accepted where others can read it. */
  readonly insecure: boolean;
}

/** Whether a client speaks TLS: always to other hosts, unless it was told not to; to this host, if it was given anything for it. */
export function speaksTls({ address, files, serverName, insecure }: Choice): boolean {
  const isGiven = [serverName, files.ca, files.certificate, files.key].some((value) => value !== null);
  return isGiven || !(insecure || isLoopback(address));
}
