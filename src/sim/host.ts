/**
 * A pretended server: its power, and what its firmware and operating system are about. It has no timers: what is due has
 * happened when it is looked at.
 */
import type { Clock } from '../core/clock.ts';
import type { OnOff } from '../core/power.ts';

/** What a server is about, by the numbers that Fujitsu's SC2 MIB has for it (`sc2srvCurrentBootStatus`). */
export const BOOT_STATUS = {
  unknown: 1,
  off: 2,
  'self-test': 4,
  'os-boot': 6,
  'os-running': 8,
  'os-shutdown': 10,
  reset: 12,
} as const;
/** The name of a boot status. */
export type BootStatus = keyof typeof BOOT_STATUS;

/** How a server behaves. Everything can be changed while it runs; it counts from the next order on. */
export interface HostSettings {
  /** How long a request to stop lies with the operating system before that begins to stop; until then it can be taken back. */
  readonly pendingMs: number;
  /** How long the operating system takes to stop; never is Infinity. */
  readonly softMs: number;
  readonly selfTestMs: number;
  readonly osBootMs: number;
  /** What is shown for a moment when a graceful reboot passes from down to up. */
  readonly resetShows: BootStatus | 'nothing';
  /** How long that moment is. */
  readonly resetMs: number;
  /** What an NMI makes of the operating system: it writes a dump and starts again, or does not care. */
  readonly nmi: 'reboots' | 'ignored';
}

/** A server whose operating system is quick, and stops when it is asked to. */
export const QUICK_HOST: HostSettings = {
  pendingMs: 0,
  softMs: 0,
  selfTestMs: 0,
  osBootMs: 0,
  resetShows: 'reset',
  resetMs: 0,
  nmi: 'reboots',
};

/** The answer to a request to take a graceful order back. */
type Cancelled = 'taken back' | 'too late' | 'nothing is pending';

/** Something that will happen by itself. */
interface Stage {
  readonly at: number;
  readonly boot: BootStatus;
}

/** One server. */
export class SimHost {
  settings: HostSettings;
  readonly #clock: Clock;
  #boot: BootStatus;
  #stages: Stage[] = [];
  #boots = 0;
  #offAt = Number.NEGATIVE_INFINITY;
  /** Until when a graceful order can be taken back. */
  #cancelUntil = Number.NEGATIVE_INFINITY;

  constructor(power: OnOff, settings: HostSettings, clock: Clock) {
    this.settings = settings;
    this.#clock = clock;
    this.#boot = power === 'power on' ? 'os-running' : 'off';
  }

  get boot(): BootStatus {
    this.#catchUp();
    return this.#boot;
  }

  get power(): OnOff {
    return this.boot === 'off' ? 'power off' : 'power on';
  }

  /** For how long it has been off, in milliseconds; 0 while it is on, Infinity if it was off from the first. */
  get offForMs(): number {
    return this.power === 'power on' ? 0 : this.#now - this.#offAt;
  }

  /** How often it has started since it was made. */
  get boots(): number {
    this.#catchUp();
    return this.#boots;
  }

  /** A hand at the power supply, or an order to it: from one moment to the next. What was under way is void. */
  setPower(power: OnOff): void {
    if (power === this.power && power === 'power on') return;
    const goesOff = power === 'power off' && this.power === 'power on';
    this.#become([]);
    if (goesOff) this.#offAt = this.#now;
    if (power === 'power off') this.#boot = 'off';
    else this.#start(this.#now);
  }

  /** @returns false if it is off: then there is nothing to reset */
  reset(): boolean {
    if (this.power === 'power off') return false;
    this.#become([]);
    this.#start(this.#now);
    return true;
  }

  /** Off, and on again. @returns false if it is off */
  cycle(): boolean {
    return this.reset();
  }

  /** Asks the operating system to stop, and with `restart` to start again. @returns false if it is off */
  stopSoftly(restart: boolean): boolean {
    if (this.power === 'power off') return false;
    const { pendingMs, softMs, resetShows, resetMs } = this.settings;
    const stopsAt = this.#now + pendingMs;
    const downAt = stopsAt + softMs;
    this.#cancelUntil = pendingMs > 0 ? stopsAt : Number.NEGATIVE_INFINITY;
    const down: Stage[] = softMs > 0 ? [{ at: stopsAt, boot: 'os-shutdown' }] : [];
    const after: Stage[] = resetShows === 'nothing' || resetMs === 0 ? [] : [{ at: downAt, boot: resetShows }];
    const up = Number.isFinite(downAt) ? this.#upFrom(downAt + (after.length > 0 ? resetMs : 0)) : [];
    this.#become([...down, ...(restart ? [...after, ...up] : [{ at: downAt, boot: 'off' as const }])]);
    return true;
  }

  /** Takes back what `stopSoftly` has asked for, while it still can be. */
  cancel(): Cancelled {
    const { power } = this;
    if (this.#stages.length === 0 || power === 'power off') return 'nothing is pending';
    if (this.#now >= this.#cancelUntil) return 'too late';
    this.#become([]);
    return 'taken back';
  }

  /** @returns false if it is off */
  injectNmi(): boolean {
    if (this.power === 'power off') return false;
    if (this.settings.nmi === 'ignored') return true;
    this.#become([]);
    this.#start(this.#now);
    return true;
  }

  get #now(): number {
    return this.#clock.monotonic();
  }

  #start(at: number): void {
    this.#become(this.#upFrom(at));
    this.#catchUp();
  }

  #upFrom(at: number): Stage[] {
    const { selfTestMs, osBootMs } = this.settings;
    return [
      { at, boot: 'self-test' },
      { at: at + selfTestMs, boot: 'os-boot' },
      { at: at + selfTestMs + osBootMs, boot: 'os-running' },
    ];
  }

  #become(stages: Stage[]): void {
    this.#stages = stages;
  }

  #catchUp(): void {
    const now = this.#now;
    while (this.#stages[0] !== undefined && this.#stages[0].at <= now) {
      const { at, boot } = this.#stages.shift() as Stage;
      if (boot === 'self-test') this.#boots += 1;
      if (boot === 'off') this.#offAt = at;
      this.#boot = boot;
    }
    if (this.#stages.length === 0) this.#cancelUntil = Number.NEGATIVE_INFINITY;
  }
}
