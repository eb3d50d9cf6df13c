/** Users with passwords, from a file as `htpasswd -B` writes it. */
import bcrypt from 'bcryptjs';
import type { Clock } from '../../core/clock.ts';
import { digestOf } from '../../core/digest.ts';
import { fail } from '../../core/errors.ts';
import { type FreshFile, openFreshFile } from './fresh_file.ts';

/** Hashes of users. */
type Users = ReadonlyMap<string, string>;

const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

/** A hash that no password has, with the usual cost: whoever names a user that is not there waits as long as the others. */
const NO_USER = '$2y$10$abcdefghijklmnopqrstuuu5dYJkOfMxCAULPZOmNkRkMqVyrbyNG';

/** The number of passwords that wait or are compared at the same time; one is compared at once, in a tenth of a second of processor time. */
const TOGETHER = 8;

/** The pause after a wrong password: whoever guesses gets at most a third of a processor, however many connections guess. */
const PAUSE_MS = 200;

/** To compare with a hash of a higher cost takes seconds of processor time: each step doubles it. */
const COST_LIMIT = 14;

/** The number of correct passwords that are kept in memory. */
const REMEMBERED = 1000;

/** The users of a file. */
export interface Passwords {
  /**
   * Whether the user has this password: null if not, else what answers whether the user has it still.
   * @throws TOO_MANY_LOGINS if too many are looked at now
   */
  fit(user: string, password: string): Promise<(() => boolean) | null>;
}

/**
 * The users of the file at `path`. A user who is taken out of it is gone within seconds.
 * @throws CONFIGURATION_INVALID naming the line that is wrong
 */
export function openPasswords(path: string, clock: Clock): Passwords {
  const file: FreshFile<Users> = openFreshFile(path, (text) => parse(text, path), clock);
  // A good password is remembered, as a digest, with the hash that it fits: with another hash it is looked at anew.
  const good = new Set<string>();
  let together = 0;
  /** Settles when the password before has been compared, and rested if it was wrong. */
  let before: Promise<void> = Promise.resolve();
  /** A file that cannot be read now ends no stream; the next call is refused. */
  const hashNow = (user: string, then: string | undefined): string | undefined => {
    try {
      return file.current().get(user);
    } catch {
      return then;
    }
  };
  return {
    async fit(user, password) {
      const hash = file.current().get(user);
      const key = digestOf([hash, password]);
      const still = (): boolean => hashNow(user, hash) === hash;
      if (hash !== undefined && good.has(key)) return still;
      if (together >= TOGETHER)
        throw fail(
          'TOO_MANY_LOGINS',
          `${TOGETHER} passwords are being looked at, and no more are at once; try again in a moment`,
        );
      together += 1;
      const compared = before.then(() => bcrypt.compare(password, hash ?? NO_USER));
      before = compared
        .then((fits) => (fits ? undefined : new Promise<void>((resolve) => void clock.after(PAUSE_MS, resolve))))
        .catch(() => {})
        .finally(() => {
          together -= 1;
        });
      if (!(await compared) || hash === undefined) return null;
      if (good.size >= REMEMBERED) good.clear();
      good.add(key);
      return still;
    },
  };
}

function parse(text: string, path: string): Users {
  const users = new Map<string, string>();
  for (const [at, line] of text.split('\n').entries()) {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) continue;
    const [, user = '', hash = ''] = /^([^:]+):([^:]*)/.exec(entry) ?? [];
    if (user === '' || !BCRYPT.test(hash))
      throw fail(
        'CONFIGURATION_INVALID',
        `${path}: line ${at + 1} is not USER:HASH with a hash of bcrypt; htpasswd -B makes them`,
      );
    if (Number(hash.slice(4, 6)) > COST_LIMIT)
      throw fail(
        'CONFIGURATION_INVALID',
        `${path}: line ${at + 1} has a hash of cost ${hash.slice(4, 6)}, and at most ${COST_LIMIT} is accepted: each step doubles the time of a login`,
      );
    users.set(user, hash);
  }
  return users;
}
