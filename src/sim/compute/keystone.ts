/** The pretended identity service: who may log in, and what tokens it has given. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { WebAnswer } from './answers.ts';
import { errorOf } from './answers.ts';

/** Who may log in. */
export interface SimUser {
  readonly name: string;
  readonly password: string;
  /** An application credential of this user, with the same rights. */
  readonly credentialId: string;
  readonly credentialSecret: string;
  /** Without it the service shows no hosts, and moves nothing to a host. */
  admin: boolean;
}

/** How long tokens last if nothing else is said. */
const TOKEN_MS = 3_600_000;

/** One identity service. */
export class SimKeystone {
  readonly #clock: Clock;
  readonly #chance: Chance;
  readonly #users: readonly SimUser[];
  readonly #tokens = new Map<string, { readonly user: SimUser; readonly until: number }>();
  tokenMs = TOKEN_MS;
  /** How many logins there were, good or not. */
  logins = 0;

  constructor(users: readonly SimUser[], { clock, chance }: { readonly clock: Clock; readonly chance: Chance }) {
    this.#users = users;
    this.#clock = clock;
    this.#chance = chance;
  }

  /** Whose token this is; null if it is none, or has expired. */
  userOf(token: string | undefined): SimUser | null {
    const found = this.#tokens.get(token ?? '');
    return found && found.until > this.#clock.now() ? found.user : null;
  }

  /** Ends every token at once. */
  revokeAll(): void {
    this.#tokens.clear();
  }

  /** Answers `POST /v3/auth/tokens`. @param endpoint the compute service, for the catalog */
  logIn(body: unknown, endpoint: string): WebAnswer {
    this.logins += 1;
    const { auth } = (body ?? {}) as { auth?: Auth };
    const user = this.#users.find((each) => isOf(each, auth));
    if (user === undefined) return errorOf(401, 'The request you have made requires authentication.');
    const token = this.#chance.uuid();
    const until = this.#clock.now() + this.tokenMs;
    this.#tokens.set(token, { user, until });
    const iso = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
    const endpoints = ['public', 'internal', 'admin'].map((each) => ({
      interface: each,
      region: 'RegionOne',
      region_id: 'RegionOne',
      url: endpoint,
    }));
    const catalog = [{ type: 'compute', name: 'nova', endpoints }];
    const roles = [{ name: user.admin ? 'admin' : 'member' }];
    const said = {
      expires_at: iso(until),
      issued_at: iso(this.#clock.now()),
      roles,
      user: { name: user.name },
      catalog,
    };
    return { status: 201, headers: { 'x-subject-token': token }, body: { token: said } };
  }
}

interface Auth {
  readonly identity?: {
    readonly methods?: readonly string[];
    readonly password?: { readonly user?: { readonly name?: string; readonly password?: string } };
    readonly application_credential?: { readonly id?: string; readonly secret?: string };
  };
  readonly scope?: unknown;
}

function isOf(user: SimUser, auth: Auth | undefined): boolean {
  const { methods = [], password, application_credential: credential } = auth?.identity ?? {};
  if (methods.includes('application_credential'))
    return (
      auth?.scope === undefined && credential?.id === user.credentialId && credential.secret === user.credentialSecret
    );
  return methods.includes('password') && password?.user?.name === user.name && password.user.password === user.password;
}
