/** How callers can say who they are, as a conductor is configured. What each method needs is loaded only where it is used. */

/** Which tokens are good. */
export interface JwtRules {
  /** What `iss` must be. */
  readonly issuer: string;
  /** What must be among `aud`. */
  readonly audience: string;
  /** Where the public keys are: the path of a JWKS or PEM file, or the URL of a JWKS. */
  readonly keys: string;
  /** By how much the clocks of issuer and conductor may differ. */
  readonly clockSkewMs: number;
}

/** True for a URL from which keys may come: https, or http of this host; it carries no user and no password, which `fetch` refuses. */
export function isKeySetUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname));
}

/** How callers can say who they are. */
export interface Methods {
  /** By tokens that the conductor has made; they are accepted as well where there is another method. */
  readonly tokens: boolean;
  /** By a certificate that an authority of ours vouches for. */
  readonly certificates: boolean;
  readonly jwt: JwtRules | null;
  /** The path of a file of users and passwords. Null: there are none. */
  readonly htpasswd: string | null;
}

/** True if there is any method: then every caller must be known. */
export function hasMethods({ tokens, certificates, jwt, htpasswd }: Methods): boolean {
  return tokens || certificates || jwt !== null || htpasswd !== null;
}
