/** What grpc says when a connection was never made. */

/** The reason stands in the middle. */
const NEVER_CONNECTED =
  /^(?:No connection established\. Last error: (?:Error: )?(.*)\. Resolution note:.*|Name resolution failed.*)$/s;

/** Why there never was a connection, from the details of a status; null if they say something else. */
export function whyNeverConnected(details: string): string | null {
  const never = NEVER_CONNECTED.exec(details);
  return never && (never[1] ?? details);
}
