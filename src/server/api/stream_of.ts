/** The HTTP/2 stream of a gRPC call, which the library shows to no interceptor. */
import type { Http2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** The part of a call in which grpc-js keeps its stream. */
interface Streamed {
  readonly stream?: Http2Stream;
  readonly nextCall?: ServerInterceptingCallInterface;
}

/** The stream of a call, behind whatever interceptors stand before it. @throws if the library keeps it elsewhere */
export function streamOf(call: ServerInterceptingCallInterface): Http2Stream {
  const { stream, nextCall } = call as unknown as Streamed;
  if (stream !== undefined) return stream;
  if (nextCall === undefined) throw new Error('grpc-js keeps the stream of a call elsewhere');
  return streamOf(nextCall);
}
