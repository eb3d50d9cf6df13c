/**
 * A Vault as its HTTP API describes it: the key-value engine of version 2, tokens that end, and AppRole. The real one cannot be installed from
 * the packages of Debian. Facts: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, .../auth/approle and .../auth/token.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';

/** A Vault that runs. */
export interface VaultServer {
  readonly address: string;
  /** Method and path of each request. */
  readonly asked: string[];
  /** What is stored, by mount and path; null: the newest version was deleted. */
  readonly secrets: Map<string, Record<string, unknown> | null>;
  /** The tokens that are accepted. */
  readonly tokens: Set<string>;
  /** Roles by id, with their secret ids. */
  readonly roles: Map<string, string>;
  /** Beginnings of paths that no token may read. */
  readonly denied: string[];
  /** How long the tokens of AppRole last, in seconds. */
  leaseS: number;
  /** Answers in place of the real ones. */
  answer: ((response: ServerResponse) => void) | null;
}

/** Starts one; it ends with the test. */
export async function openVaultServer(t: ExecutionContext): Promise<VaultServer> {
  const vault = {
    ...{
      address: '',
      asked: [] as string[],
      secrets: new Map(),
      tokens: new Set<string>(),
      roles: new Map(),
      leaseS: 60,
      denied: [] as string[],
    },
    answer: null as VaultServer['answer'],
  };
  let made = 0;
  const newToken = () => {
    made += 1;
    vault.tokens.add(`hvs.${made}`);
    return {
      auth: { client_token: `hvs.${made}`, lease_duration: vault.leaseS, renewable: true, policies: ['default'] },
    };
  };
  const answerTo = async (request: IncomingMessage): Promise<readonly [number, unknown]> => {
    const text = await textOf(request);
    const [path, token] = [request.url ?? '', String(request.headers['x-vault-token'] ?? '')];
    if (path === '/v1/auth/approle/login') {
      const { role_id, secret_id } = JSON.parse(text);
      if (vault.roles.get(role_id) !== secret_id) return [400, { errors: ['invalid role or secret ID'] }];
      return [200, newToken()];
    }
    if (!vault.tokens.has(token)) return [403, { errors: ['permission denied'] }];
    if (path === '/v1/auth/token/lookup-self') return [200, { data: { policies: ['default'] } }];
    if (vault.denied.some((each) => path.startsWith(each))) return [403, { errors: ['permission denied'] }];
    if (path === '/v1/auth/token/renew-self')
      return [200, { auth: { client_token: token, lease_duration: vault.leaseS, renewable: true } }];
    const [, mount, below] = /^\/v1\/([^/]+)\/data\/(.+)$/.exec(path) ?? [];
    const data = vault.secrets.get(`${mount}/${decodeURIComponent(below ?? '')}`);
    if (data === undefined) return [404, { errors: [] }];
    const metadata = {
      created_time: '2026-01-02T03:04:05.6Z',
      custom_metadata: null,
      deletion_time: '',
      destroyed: false,
      version: 1,
    };
    // A version that was deleted is answered with its metadata.
    return [
      data === null ? 404 : 200,
      { request_id: 'r', lease_id: '', renewable: false, lease_duration: 0, data: { data, metadata } },
    ];
  };
  const server = createServer(async (request, response) => {
    vault.asked.push(`${request.method} ${request.url}`);
    if (vault.answer !== null) return vault.answer(response);
    const [status, body] = await answerTo(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, ownAddress());
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { address, port } = server.address() as AddressInfo;
  vault.address = `http://${address}:${port}`;
  return vault;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
