/** One cloud as the configuration describes it. */

/** How the conductor says who it is. Secrets are read when they are needed, so that a changed file is used at the next login. */
export type CloudLogin =
  | {
      readonly kind: 'password';
      /** The identity service, up to `/v3`. */
      readonly url: string;
      readonly user: string;
      readonly userDomain: string;
      readonly project: string;
      readonly projectDomain: string;
      secret(): string;
    }
  /** It carries its project with it. */
  | { readonly kind: 'application_credential'; readonly url: string; readonly id: string; secret(): string }
  /** Without an identity service: a fixed token, or none. */
  | { readonly kind: 'none'; secret: (() => string) | null };

/** One cloud. */
export interface Cloud {
  readonly name: string;
  readonly login: CloudLogin;
  /** The compute service; null: as the catalog says. */
  readonly endpoint: string | null;
  /** Which endpoint of the catalog. */
  readonly interface: 'public' | 'internal' | 'admin';
  /** Null: any. */
  readonly region: string | null;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
}
