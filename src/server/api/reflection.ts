/** Server reflection over bytes, loaded at the first question: with what it decodes by, it takes as long as a third of a start, and few ask. */
import type { CallContext } from 'nice-grpc';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import { fail } from '../../core/errors.ts';
import { contractImage } from './image.ts';

const { path, requestDeserialize, responseSerialize } = ServerReflectionService.serverReflectionInfo;

/** Answers questions about these services, each message as its bytes. An abort of the call ends the answers. */
type Reflect = (requests: AsyncIterable<Buffer>, context: CallContext) => AsyncIterable<Buffer>;

/**
 * Reads the contract, for questions about these services.
 * @throws ARGUMENT_INVALID, for a call, if the bytes are not a question
 */
export function openReflection(names: readonly string[]): Reflect {
  const service = ServerReflection(contractImage(), [...names]);
  return async function* reflect(requests, context) {
    for await (const answer of service.serverReflectionInfo(questionsIn(requests), context))
      yield responseSerialize(answer as Parameters<typeof responseSerialize>[0]);
  };
}

async function* questionsIn(
  requests: AsyncIterable<Buffer>,
): AsyncGenerator<ReturnType<typeof requestDeserialize>, void, undefined> {
  for await (const bytes of requests) yield questionIn(bytes);
}

function questionIn(bytes: Buffer): ReturnType<typeof requestDeserialize> {
  try {
    return requestDeserialize(bytes);
  } catch (error) {
    const { message } = error as Error;
    throw fail('ARGUMENT_INVALID', `${path.slice(1)}: the bytes are not a message of this RPC (${message})`);
  }
}
