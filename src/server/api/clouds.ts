/** How the clouds stand that a conductor follows, for `status`. */
import type { CloudStatus } from '../../gen/countermand/v1/conductor.ts';
import type { FollowedCloud } from '../clouds/clouds.ts';
import { date } from './wire.ts';

/** One cloud as it stands. */
export function toCloudStatus({ name, source, poll }: FollowedCloud): CloudStatus {
  const { changed, repeated, ignored, unreadable } = source?.counts ?? NONE;
  return {
    name,
    answeredAt: date(poll?.lastAt ?? null),
    servicesUp: poll?.seen.up ?? 0,
    servicesDown: poll?.seen.down ?? 0,
    notifies: source !== null,
    readSince: date(source?.connectedSince ?? null),
    notifiedAt: date(source?.lastAt ?? null),
    lagSeconds: (source?.lagMs ?? 0) / 1000,
    ...{ changed: BigInt(changed), repeated: BigInt(repeated) },
    ...{ ignored: BigInt(ignored), unreadable: BigInt(unreadable) },
  };
}

const NONE = { changed: 0, repeated: 0, ignored: 0, unreadable: 0 };

/** What of a cloud needs an operator, in sentences. */
export function problemsOfCloud({ name, source, poll }: FollowedCloud): string[] {
  const silent = poll?.failing ? [`cloud ${name} gives no answer: ${poll.failing.message}`] : [];
  const unread = source?.failing ? [`the notifications of cloud ${name} are not read: ${source.failing.message}`] : [];
  return [...silent, ...unread];
}
