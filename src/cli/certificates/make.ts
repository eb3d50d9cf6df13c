/** The certificates of a first installation: an authority, and what it vouches for. Loaded only where they are made. */
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** ECDSA on P-256 with SHA-256: what every client of today takes. */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A certificate and its key, in PEM. */
export interface Made {
  readonly certificate: string;
  readonly key: string;
}

/** What is made. */
export interface Installation {
  readonly ca: Made;
  readonly server: Made;
  readonly client: Made;
}

/** What it is made for. */
export interface InstallationParts {
  /** The names and IP addresses by which the conductor is reached. */
  readonly hosts: readonly string[];
  /** The common name of the client. */
  readonly client: string;
  /** From when it is good, in milliseconds since 1970. */
  readonly from: number;
  /** For how many days the server and the client are good; the authority is good for ten times as long. */
  readonly days: number;
}

/** One certificate. */
interface Wanted {
  readonly name: string;
  readonly days: number;
  readonly extensions: readonly Extension[];
}

/** An authority, and a certificate that it gave to a conductor and to a client. Keys are made anew each time. */
export async function makeInstallation({ hosts, client, from, days }: InstallationParts): Promise<Installation> {
  const authorityKeys = await newKeys();
  const authority = await issue(
    {
      name: 'Countermand CA',
      days: days * 10,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      ],
    },
    { keys: authorityKeys, from, issuer: null },
  );
  const issuer = { certificate: authority, keys: authorityKeys };
  const leaf = async (name: string, usage: ExtendedKeyUsage, names: JsonGeneralNames): Promise<Made> => {
    const keys = await newKeys();
    const extensions = [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
    ];
    return made(await issue({ name, days, extensions }, { keys, from, issuer }), keys);
  };
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host }));
  return {
    ca: made(authority, authorityKeys),
    server: await leaf('Countermand conductor', ExtendedKeyUsage.serverAuth, names),
    client: await leaf(client, ExtendedKeyUsage.clientAuth, []),
  };
}

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** How it is issued. Without an issuer it vouches for itself. */
interface Issuing {
  readonly keys: webcrypto.CryptoKeyPair;
  readonly from: number;
  readonly issuer: { readonly certificate: X509Certificate; readonly keys: webcrypto.CryptoKeyPair } | null;
}

async function issue({ name, days, extensions }: Wanted, { keys, from, issuer }: Issuing): Promise<X509Certificate> {
  const signer = issuer?.keys ?? keys;
  const subject = [{ CN: [name] }];
  return X509CertificateGenerator.create({
    subject,
    issuer: issuer?.certificate.subjectName.toJSON() ?? subject,
    notBefore: new Date(from),
    notAfter: new Date(from + days * 24 * 3600 * 1000),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      ...extensions,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  });
}

function made(certificate: X509Certificate, { privateKey }: webcrypto.CryptoKeyPair): Made {
  const key = KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' });
  return { certificate: `${certificate.toString('pem')}\n`, key: String(key) };
}
