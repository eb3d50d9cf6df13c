/** Who may ask an iRMC, over HTTP and IPMI, and over SNMP. */

/** Who may log in, and how. */
export interface IrmcLogin {
  readonly username: string;
  readonly password: string;
  /** The ways of HTTP that are offered. */
  readonly methods: readonly ('basic' | 'digest')[];
}

/** The protocols of SNMPv3 that iRMCs know. */
export type SnmpAuthProtocol = 'sha' | 'sha256' | 'sha384' | 'sha512';

/** Who may read. */
export interface SnmpLogin {
  /** For v1 and v2c; null if those are off. */
  readonly community: string | null;
  /** For v3; null if that is off. */
  readonly user: {
    readonly name: string;
    readonly authProtocol: SnmpAuthProtocol;
    readonly authPassword: string;
    readonly privPassword: string;
  } | null;
}
