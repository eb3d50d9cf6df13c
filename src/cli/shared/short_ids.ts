/** Ids for people: the beginning of a uuid, which every command accepts. Whoever reports a failure loads this, and little else. */

/** The beginning of a uuid, which is enough to name what it is of. */
export function shortId(uuid: string): string {
  return uuid.slice(0, 8);
}

const UUID = /\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b/g;

/** Text for people: each uuid in it as its beginning, unless that would mean two of them. */
export function shortened(text: string): string {
  const uuids = [...new Set(text.match(UUID))];
  const isOne = (uuid: string): boolean => uuids.filter((other) => shortId(other) === shortId(uuid)).length === 1;
  return text.replaceAll(UUID, (uuid) => (isOne(uuid) ? shortId(uuid) : uuid));
}
