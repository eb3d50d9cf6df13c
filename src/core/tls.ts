/** TLS as its users see it: what one side shows and whom it trusts. Where that comes from is the business of others. */

/** The least version of TLS that is spoken. */
const LEAST_TLS = 'TLSv1.2';

/** What one side of a connection shows, and whom it trusts, in PEM. */
export interface TlsMaterial {
  /** A certificate, with those of intermediate authorities behind it, and its key. Null: it shows none. */
  readonly own: { readonly certificate: string; readonly key: string } | null;
  /** The authorities whose certificates it accepts. Null: those of the system for a client, none for a server. */
  readonly ca: string | null;
}

/** Material that may change while it is in use. */
export interface TlsSource {
  /** What new connections use now. Connections that are open stay as they are. */
  current(): TlsMaterial;
  /** Calls `listener` with each later material. */
  onChange(listener: (material: TlsMaterial) => void): void;
}

/** Material as the modules of Node take it. */
export function tlsOptions({ own, ca }: TlsMaterial): {
  readonly minVersion: typeof LEAST_TLS;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
} {
  return {
    minVersion: LEAST_TLS,
    ...(own !== null && { cert: own.certificate, key: own.key }),
    ...(ca !== null && { ca }),
  };
}
