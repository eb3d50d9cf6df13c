/** AccessService: the tokens with which programs and agents say who they are, and the trail of what callers did. */
import type { CallContext } from 'nice-grpc';
import { failAt } from '../../core/errors.ts';
import type {
  AccessServiceImplementation,
  ListTrailRequest,
  ListTrailResponse,
  Token,
} from '../../gen/countermand/v1/access.ts';
import type { Access } from '../access/access.ts';
import { type Asked, agentName } from '../access/identity.ts';
import type { OpenStreams } from '../access/open_streams.ts';
import type { Conductor } from '../conductor.ts';
import type { Store } from '../store/store.ts';
import type { TokenRow } from '../store/tokens.ts';
import { listTrail } from '../store/trail.ts';
import { checkAccess } from './check_access.ts';
import { pageMark, pageSize, pageToken } from './pages.ts';
import { RPC_RULES } from './rpc_verbs.ts';
import { type Recorded, shortName } from './trail.ts';
import { date } from './wire.ts';

/** The service over a conductor. */
export function createAccessService(
  { tokens, attachments, store }: Conductor,
  { access, streams }: { readonly access: Access; readonly streams: OpenStreams },
): AccessServiceImplementation<Asked & Recorded> {
  return {
    async createToken({ name, days, agentZones, role }, { identity, record }: CallContext & Asked & Recorded) {
      if (role !== '') access.checkRole(role);
      const wanted = { name, days, agentZones, role: role === '' ? null : role, createdBy: identity.name };
      const { row, secret } = await tokens.create(wanted, record);
      return { token: toToken(row), secret };
    },
    listTokens: async () => ({ tokens: tokens.list().map(toToken) }),
    async revokeToken({ token }, { record }) {
      const row = await tokens.revoke(token, record);
      attachments.expel(agentName(row.name), `the token ${row.name} was revoked`);
      streams.look();
      return { token: toToken(row) };
    },
    checkAccess: (request) => checkAccess(request, access, { tokens, store }),
    listTrail: (request) => pageOfTrail(request, store),
  };
}

async function pageOfTrail(request: ListTrailRequest, { database }: Store): Promise<ListTrailResponse> {
  const { identity, node, rpc, refused, since, oldestFirst } = request;
  if (rpc !== '' && ![...RPC_RULES.keys()].some((path) => shortName(path) === rpc))
    throw failAt(
      'ARGUMENT_INVALID',
      'rpc',
      `rpc: there is no RPC '${rpc.slice(0, 100)}'; one is named as PowerService/OrderPowerState`,
    );
  const limit = pageSize(request.pageSize);
  const filter = { identity, node, rpc, refused, since: since?.getTime() ?? 0, oldestFirst };
  const list = ['trail', ...Object.values(filter)];
  const rows = await listTrail(filter, pageMark(list, request.pageToken, isNumber), limit, database.read);
  const entries = rows.map(({ sequence, at, node: about, ...row }) => ({
    ...row,
    sequence: BigInt(sequence),
    at: date(at),
    node: about ?? '',
  }));
  return { entries, nextPageToken: rows.length === limit ? pageToken(list, rows.at(-1)?.sequence) : '' };
}

const isNumber = (mark: unknown): mark is number => Number.isSafeInteger(mark);

function toToken({ uuid, name, agentZones, role, createdAt, createdBy, expiresAt, revokedAt }: TokenRow): Token {
  const revoked = revokedAt === null ? {} : { revokedAt: date(revokedAt) };
  const times = { createdAt: date(createdAt), expiresAt: date(expiresAt), ...revoked };
  return { uuid, name, agentZones: [...agentZones], role: role ?? '', createdBy, ...times };
}
