/** SIGHUP: the configuration is read again, and what can be changed while a daemon runs is changed. */
import { asCountermandError } from '../../core/errors.ts';
import type { LogLevelName } from '../../core/log_levels.ts';
import type { LogLevel } from '../../server/log.ts';
import type { Retention } from '../../server/retention.ts';
import { configurationOf, type Values } from './configuration.ts';
import { KEY_NAMES, type KeyName } from './configuration_keys.ts';
import { RETENTION_KEYS } from './retention_keys.ts';

/** The keys whose new values are used at once. What certificates, roles, tokens and passwords are read from is looked at all the time. */
const CHANGED_AT_ONCE: readonly string[] = ['log_level', ...Object.keys(RETENTION_KEYS)];

/** The log of a daemon, whose level can be changed. */
interface LevelledLog {
  level: string;
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How a configuration is read again: the same file, variables and flags. */
export interface Rereading {
  /** As it was read at the start. */
  readonly values: Values;
  /** @throws CONFIGURATION_INVALID */
  readonly read: () => Values;
}

/** The configuration of a daemon as it is now. */
export class LiveConfiguration {
  readonly #rereading: Rereading;
  /** What is in force. */
  #values: Values;

  constructor(rereading: Rereading) {
    this.#rereading = rereading;
    this.#values = rereading.values;
  }

  /** How long what is stored is kept. */
  get retention(): Retention {
    return configurationOf(this.#values).retention;
  }

  /** Reads it again, and says in one line what has changed and what a restart is needed for. What is wrong changes nothing. */
  reread(log: LevelledLog): void {
    let next: Values;
    try {
      next = this.#rereading.read();
    } catch (thrown) {
      const reason = asCountermandError(thrown).message;
      log.error({ reason }, 'SIGHUP: the configuration cannot be used; nothing was changed');
      return;
    }
    const others = KEY_NAMES.filter((key) => this.#values[key] !== next[key]);
    const changed = others.filter(isChangedAtOnce);
    if (log.level !== next.log_level && !changed.includes('log_level')) changed.push('log_level');
    const needsRestart = others.filter((key) => !isChangedAtOnce(key));
    const taken = Object.fromEntries(KEY_NAMES.filter(isChangedAtOnce).map((key) => [key, next[key]]));
    this.#values = { ...this.#values, ...taken };
    changeLevel(log, next.log_level, () =>
      log.info({ changed, needs_restart: needsRestart }, 'SIGHUP: the configuration was read again'),
    );
  }

  /** The level of this log, which `reread` sets to what the configuration says. */
  levelOf(log: LevelledLog): LogLevel {
    const now = () => log.level as LogLevelName;
    return {
      now,
      configured: () => this.#values.log_level,
      set(level, who) {
        const fields = { from: now(), to: level, identity: who };
        changeLevel(log, level, () => log.info(fields, 'the level of the log was changed'));
      },
    };
  }
}

/** Changes the level, and says so under whichever of the two does not leave the line out. */
function changeLevel(log: LevelledLog, level: LogLevelName, say: () => void): void {
  const wasSilent = LESS_THAN_INFO.includes(log.level);
  if (!wasSilent) say();
  log.level = level;
  if (wasSilent) say();
}

const LESS_THAN_INFO: readonly string[] = ['fatal', 'error', 'warn', 'silent'];

const isChangedAtOnce = (key: KeyName): boolean => CHANGED_AT_ONCE.includes(key);
