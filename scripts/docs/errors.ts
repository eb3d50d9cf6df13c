/** docs/errors.md, from the table of errors. */
import { ERROR_TABLE, type ErrorRow } from '../../src/core/errors.ts';
import { code, markdownTable, page } from './markdown.ts';

/** The page. */
export function printErrors(): string {
  const table: Readonly<Record<string, ErrorRow>> = ERROR_TABLE;
  const rows = Object.entries(table).map(([name, { status, retryable, exitCode, meaning }]) => [
    code(name),
    status,
    retryable ? 'yes' : '',
    String(exitCode),
    meaning,
  ]);
  return page('Errors', 'src/core/errors.ts', [
    'Every error has a code and a sentence. Over gRPC the status is that of the table, the sentence stands in the ' +
      'details, and the code in the trailing metadata `countermand-error-code`. `grpc-status-details-bin` carries `google.rpc.Status` with `ErrorInfo` (reason: the code; metadata: `retryable`, and where they are known `field`, `resource_type`, `resource_name` and more), `BadRequest` for a wrong field (its description says what is wrong, without the place where it can), `RetryInfo`, and a `countermand.v1.Possible` for each order that would be accepted instead. The command line prints the sentence ' +
      'on stderr (with `--json` as `{"error": {"code", "message"}}`) and ends with the exit code; [Command line](cli.md#exit-codes) says what each means.',
    'Retryable means that the same request may succeed later. A code is never used again for something else.',
    markdownTable(['code', 'gRPC status', 'retryable', 'exit code', 'meaning'], rows),
  ]);
}
