/** Who asks: the one place where what came with a request becomes an identity, for gRPC and HTTP alike. */

/** What came with a request, whichever protocol it used. */
export interface Credentials {
  /** `authorization`: a header of HTTP, metadata of gRPC. Null if there is none. */
  readonly authorization: string | null;
  /** A token that was sent in a header of its own. Null if there is none. */
  readonly token: string | null;
  /** The address that the request came from, with or without a port. */
  readonly peer: string;
}

/** Who asks. */
interface Identity {
  /** Two requests of one caller have the same name. At most 255 characters. */
  readonly name: string;
}

/** What the context of each call carries beside what nice-grpc puts there. */
export interface Asked {
  readonly identity: Identity;
}

/**
 * The identity of a request. There is no authentication yet: authorization and token are not looked at, every caller is
 * anonymous, and one is told from another by the address alone.
 */
export function identityOf({ peer }: Credentials): Identity {
  return { name: `anonymous@${hostOf(peer)}`.slice(0, 255) };
}

/** `127.0.0.1:4000`, `[::1]:4000` and `ipv4:127.0.0.1:4000` without what is not the address. */
function hostOf(peer: string): string {
  const bare = peer.replace(/^ipv[46]:/, '');
  const host =
    /^\[(.*)\](?::\d+)?$/.exec(bare)?.[1] ?? (bare.split(':').length === 2 ? bare.replace(/:\d+$/, '') : bare);
  return host.replace(/^::ffff:(?=\d+\.)/, '');
}
