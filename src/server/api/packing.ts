/**
 * Requests over gRPC are taken as they are. The library would unpack one before any limit of an RPC is looked at, and 65 kB
 * become 64 MB: forty such calls cost as much memory as a conductor has.
 */
import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import { fail } from '../../core/errors.ts';
import { ERROR_CODE_KEY, STATUS_DETAILS_KEY } from '../../core/metadata.ts';
import { encodeStatus } from './details.ts';

/** The part of a call in which grpc-js keeps how its messages are packed. */
interface Packed {
  readonly incomingEncoding?: string;
  readonly nextCall?: ServerInterceptingCallInterface;
}

/** Other interceptors may stand between this one and the call itself. */
function encodingOf(call: ServerInterceptingCallInterface): string {
  const { incomingEncoding, nextCall } = call as unknown as Packed;
  if (incomingEncoding !== undefined) return incomingEncoding;
  return nextCall === undefined ? 'identity' : encodingOf(nextCall);
}

/** Refuses each call whose messages may be packed, before one is read, and says what the server takes, as gRPC prescribes. */
export const refusePacked: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata(metadata, pass) {
          const encoding = encodingOf(call);
          if (encoding === 'identity') pass(metadata);
          else call.sendStatus(refusal(encoding));
        },
      }),
  });

function refusal(encoding: string) {
  const error = fail(
    'COMPRESSION_NOT_SUPPORTED',
    `grpc-encoding is '${encoding.slice(0, 100)}': requests over gRPC are not unpacked here; send them without compression`,
  );
  const metadata = new Metadata();
  metadata.set(ERROR_CODE_KEY, error.code);
  metadata.set('grpc-accept-encoding', 'identity');
  const details = encodeStatus(error, status.UNIMPLEMENTED, error.message);
  if (details !== null) metadata.set(STATUS_DETAILS_KEY, Buffer.from(details));
  return { code: status.UNIMPLEMENTED, details: error.message, metadata };
}
