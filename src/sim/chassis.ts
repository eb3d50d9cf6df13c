/** The state of one pretended server, in files that it shares with chassis.sh, which says what is in them. */
import { copyFile, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { OnOff } from '../core/power.ts';

/** What the server may be asked: `soft` is a soft power off. */
export type ChassisCommand = 'status' | 'on' | 'off' | 'reset' | 'soft';

/** What goes wrong with it. */
export interface ChassisFaults {
  /** How long its operating system takes to stop, in seconds, or `never`. Counts from the next soft power off on. */
  readonly softOffDelayS: number | 'never';
  /** It refuses every order. */
  readonly refuses: boolean;
  /**
   * It holds every order, unanswered, and carries it out when this ends. As ipmi_sim does one thing at a time, nothing
   * at all is answered meanwhile.
   */
  readonly holds: boolean;
}

/** One pretended server. Everything can be changed while it runs. */
export interface Chassis {
  /** Changes the given faults, and leaves the others. */
  configure(faults: Partial<ChassisFaults>): Promise<void>;
  /** What it really is. */
  power(): Promise<OnOff>;
  /** Makes it so, as a hand at the power button would; a soft power off that is under way is void. */
  setPower(power: OnOff): Promise<void>;
  /** Every command that came in, in order; also those that were then held or refused. */
  received(): Promise<ChassisCommand[]>;
}

const SCRIPT = new URL('./chassis.sh', import.meta.url);
/** The seconds since the system was started, with two decimals. */
const UPTIME = '/proc/uptime';
const HUNDREDTHS = 100;

const NO_FAULTS: ChassisFaults = { softOffDelayS: 0, refuses: false, holds: false };

/** Faults that are not said stay as they are. */
function changedBy(changed: Partial<ChassisFaults>, { softOffDelayS, refuses, holds }: ChassisFaults): ChassisFaults {
  return {
    softOffDelayS: changed.softOffDelayS ?? softOffDelayS,
    refuses: changed.refuses ?? refuses,
    holds: changed.holds ?? holds,
  };
}

const digitOf = (power: OnOff): string => (power === 'power on' ? '1' : '0');

/** The server in `directory`, which must exist. It is put into the state given, with no other faults. */
export async function openChassis(directory: string, power: OnOff, faults: Partial<ChassisFaults>): Promise<Chassis> {
  const path = (name: string): string => join(directory, name);
  const words = async (file: string): Promise<string[]> => (await readFile(file, 'utf8')).trim().split(/\s+/);
  let writing: Promise<void> = Promise.resolve();
  /** In the order of the calls. A reader finds the old text or the new one. */
  function write(name: string, text: string): Promise<void> {
    const temporary = path(`${name}.tmp`);
    const written = writing.then(() => writeFile(temporary, `${text}\n`)).then(() => rename(temporary, path(name)));
    writing = written.catch(() => {});
    return written;
  }

  let current = changedBy(faults, NO_FAULTS);
  let presses = 0;
  const writeFaults = (): Promise<void> => {
    const { softOffDelayS, refuses, holds } = current;
    const softOff = softOffDelayS === 'never' ? 'never' : Math.round(softOffDelayS * HUNDREDTHS);
    return write('faults', `${softOff} ${Number(refuses)} ${Number(holds)}`);
  };
  const press = (to: OnOff): Promise<void> => write('button', `${presses} ${digitOf(to)}`);

  await copyFile(SCRIPT, path('chassis.sh'));
  await writeFile(path('received'), '');
  await rm(path('uptime'), { force: true });
  await symlink(UPTIME, path('uptime'));
  await write('power', `${digitOf(power)} ${'0'.padEnd(12)} ${'0'.padEnd(12)}`);
  await press(power);
  await writeFaults();
  return {
    configure(changed) {
      current = changedBy(changed, current);
      return writeFaults();
    },
    async power() {
      // In this order: a press that `power` does not include is newer.
      const [isOn, offAt, seen] = await words(path('power'));
      const [pressed, to] = await words(path('button'));
      if (pressed !== seen) return to === '1' ? 'power on' : 'power off';
      const [uptimeS] = offAt === '0' ? [] : await words(path('uptime'));
      const isDue = uptimeS !== undefined && Math.round(Number(uptimeS) * HUNDREDTHS) >= Number(offAt);
      return isOn === '1' && !isDue ? 'power on' : 'power off';
    },
    setPower(to) {
      presses += 1;
      return press(to);
    },
    received: async () => (await readFile(path('received'), 'utf8')).split('\n').filter(Boolean) as ChassisCommand[],
  };
}
