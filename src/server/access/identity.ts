/** Who asks: what came with a request, and what it becomes, for gRPC and HTTP alike. */

/** The certificate that a client has shown on its connection. */
export interface ClientCertificate {
  /** What it is called: a URI of its subject alternative names, else its subject. */
  readonly name: string;
  /** Until when it is good, in milliseconds since 1970. */
  readonly validTo: number;
  /** Why it is not accepted; null if an authority of ours vouches for it. */
  readonly problem: string | null;
}

/** What came with a request, whichever protocol it used. */
export interface Credentials {
  /** `authorization`: a header of HTTP, metadata of gRPC. Null if there is none. */
  readonly authorization: string | null;
  /** A token that was sent in a header of its own. Null if there is none. */
  readonly token: string | null;
  /** Null if the client has shown none. */
  readonly certificate: ClientCertificate | null;
  /** The address that the request came from, with or without a port. */
  readonly peer: string;
  /** For whom the caller says that it acts; absent or null if for itself. */
  readonly onBehalfOf?: string | null;
}

/** Where a caller says for whom it acts: metadata of gRPC, a header of HTTP. */
export const ON_BEHALF_OF = 'countermand-on-behalf-of';

/** Who asks. */
export interface Identity {
  /**
   * Two requests of one caller have the same name, and those of two callers do not: it begins with how the caller was identified. At most
   * 255 characters.
   */
  readonly name: string;
  /** The zones for which it may attach as an agent, and then do nothing else. Null: it is no agent. `any`: no authentication is configured. */
  readonly agentZones: readonly string[] | 'any' | null;
  /** The role that its token was made with; absent or null: what the file of roles binds to its name. */
  readonly role?: string | null;
  /** The name of the identity for which it acts, as it says; absent or null: for itself. It gives no rights. */
  readonly onBehalfOf?: string | null;
  /**
   * Why it is not good any more; null while it is good. For streams, which outlive the check at their begin; absent where nothing
   * can end it.
   */
  readonly objection?: () => string | null;
}

/** What the context of each call carries beside what nice-grpc puts there. */
export interface Asked {
  readonly identity: Identity;
}

/** Answers who asks. @throws UNAUTHENTICATED if the credentials are missing or not good, KEYS_UNREACHABLE if that cannot be known now */
export type Identify = (credentials: Credentials) => Promise<Identity>;

/** How long a name may be. */
export const NAME_LIMIT = 255;

/** The name of the identity of an agent with a token of this name. */
export const agentName = (token: string): string => `agent:${token}`;

/** Every caller without a login. One is told from another by the address alone. */
export function anonymous({ peer }: Pick<Credentials, 'peer'>): Identity {
  return { name: `anonymous@${hostOf(peer)}`.slice(0, NAME_LIMIT), agentZones: 'any' };
}

/** `127.0.0.1:4000`, `[::1]:4000` and `ipv4:127.0.0.1:4000` without what is not the address. */
function hostOf(peer: string): string {
  const bare = peer.replace(/^ipv[46]:/, '');
  const host =
    /^\[(.*)\](?::\d+)?$/.exec(bare)?.[1] ?? (bare.split(':').length === 2 ? bare.replace(/:\d+$/, '') : bare);
  return host.replace(/^::ffff:(?=\d+\.)/, '');
}
