/** AccessService: the tokens with which programs and agents say who they are. */
import type { CallContext } from 'nice-grpc';
import type { AccessServiceImplementation, Token } from '../../gen/countermand/v1/access.ts';
import type { Access } from '../access/access.ts';
import { type Asked, agentName } from '../access/identity.ts';
import type { OpenStreams } from '../access/open_streams.ts';
import type { Conductor } from '../conductor.ts';
import type { TokenRow } from '../store/tokens.ts';
import { date } from './wire.ts';

/** The service over a conductor. */
export function createAccessService(
  { tokens, attachments }: Conductor,
  { access, streams }: { readonly access: Access; readonly streams: OpenStreams },
): AccessServiceImplementation<Asked> {
  return {
    async createToken({ name, days, agentZones, role }, { identity }: CallContext & Asked) {
      if (role !== '') access.checkRole(role);
      const wanted = { name, days, agentZones, role: role === '' ? null : role, createdBy: identity.name };
      const { row, secret } = await tokens.create(wanted);
      return { token: toToken(row), secret };
    },
    listTokens: async () => ({ tokens: tokens.list().map(toToken) }),
    async revokeToken({ token }) {
      const row = await tokens.revoke(token);
      attachments.expel(agentName(row.name), `the token ${row.name} was revoked`);
      streams.look();
      return { token: toToken(row) };
    },
  };
}

function toToken({ uuid, name, agentZones, role, createdAt, createdBy, expiresAt, revokedAt }: TokenRow): Token {
  const revoked = revokedAt === null ? {} : { revokedAt: date(revokedAt) };
  const times = { createdAt: date(createdAt), expiresAt: date(expiresAt), ...revoked };
  return { uuid, name, agentZones: [...agentZones], role: role ?? '', createdBy, ...times };
}
