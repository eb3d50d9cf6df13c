/** The certificate of a client, as its connection knows it. */
import { X509Certificate } from 'node:crypto';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import type { ClientCertificate } from './identity.ts';

/** To take a certificate apart costs more than a call, and a connection never changes its own. */
const known = new WeakMap<object, ClientCertificate | null>();

/** The certificate that the client of a connection has shown; null if it has shown none, or the connection is plaintext. */
export function certificateOf(socket: object): ClientCertificate | null {
  if (!(socket instanceof TLSSocket)) return null;
  const before = known.get(socket);
  if (before !== undefined) return before;
  const found = read(socket);
  known.set(socket, found);
  return found;
}

function read(socket: TLSSocket): ClientCertificate | null {
  const raw = (socket.getPeerCertificate() as Partial<PeerCertificate>).raw;
  if (raw === undefined) return null;
  const certificate = new X509Certificate(raw);
  const reason = String(socket.authorizationError ?? 'not verified')
    .toLowerCase()
    .replaceAll('_', ' ');
  return {
    name: uriOf(certificate.subjectAltName ?? '') ?? certificate.subject.split('\n').join(','),
    validTo: Date.parse(certificate.validTo),
    problem: socket.authorized ? null : reason,
  };
}

/** One alternative name as Node writes them: `URI:spiffe://x/y, DNS:z`; a value with a special character stands in quotes. */
const ALTERNATIVE = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** The first URI of the alternative names; null if there is none. */
export function uriOf(alternatives: string): string | null {
  ALTERNATIVE.lastIndex = 0;
  for (let found = ALTERNATIVE.exec(alternatives); found; found = ALTERNATIVE.exec(alternatives)) {
    const [, kind, value = ''] = found;
    if (kind === 'URI') return value.startsWith('"') ? JSON.parse(value) : value;
    if (ALTERNATIVE.lastIndex >= alternatives.length) break;
  }
  return null;
}
