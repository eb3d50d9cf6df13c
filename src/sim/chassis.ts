/** The state of one pretended server, in files that it shares with chassis.sh. */
import { copyFile, readFile, rename, rm, writeFile } from 'node:fs/promises';
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

const NO_FAULTS: ChassisFaults = { softOffDelayS: 0, refuses: false, holds: false };

/** The server in `directory`, which must exist. It is put into the state given, with no other faults. */
export async function openChassis(directory: string, power: OnOff, faults: Partial<ChassisFaults>): Promise<Chassis> {
  const path = (name: string): string => join(directory, name);
  const read = async (name: string): Promise<string> => (await readFile(path(name), 'utf8')).trim();
  const write = async (name: string, text: string): Promise<void> => {
    await writeFile(path(`${name}.tmp`), `${text}\n`);
    await rename(path(`${name}.tmp`), path(name));
  };
  const flag = (name: string, up: boolean): Promise<void> => (up ? write(name, '') : rm(path(name), { force: true }));

  const chassis: Chassis = {
    async configure({ softOffDelayS, refuses, holds }) {
      if (softOffDelayS !== undefined) await write('soft_off_delay_s', String(softOffDelayS));
      if (refuses !== undefined) await flag('refuses', refuses);
      if (holds !== undefined) await flag('holds', holds);
    },
    power: async () => ((await read('power')) === '1' ? 'power on' : 'power off'),
    async setPower(power) {
      await write('changes', String(Number(await read('changes')) + 1));
      await write('power', power === 'power on' ? '1' : '0');
    },
    received: async () => (await read('received')).split('\n').filter((line) => line !== '') as ChassisCommand[],
  };
  await copyFile(SCRIPT, path('chassis.sh'));
  await Promise.all([write('changes', '0'), writeFile(path('received'), '')]);
  await chassis.setPower(power);
  await chassis.configure(NO_FAULTS);
  await chassis.configure(faults);
  return chassis;
}
