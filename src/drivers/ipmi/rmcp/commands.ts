/** The commands that the client knows: how each is asked, whether it may be asked twice, and how its answer is read. */
import { NET_FN } from './message.ts';

/** Where a command is about to be sent. */
export interface Destination {
  /** The IP address of the BMC. */
  readonly address: string;
  readonly port: number;
  /** The managed system GUID that the BMC proved when the session was opened (IPMI 2.0 section 13.21), 16 bytes. */
  readonly guid: Buffer;
  /** How often a session with this BMC that was open was lost, because the BMC did not answer in it any more. */
  readonly sessionsLost: number;
}

/** One command with its parameters, ready to be sent. */
export interface Command<Answer> {
  /** Its name in the specification. */
  readonly name: string;
  readonly netFn: number;
  readonly command: number;
  readonly data: Buffer;
  /**
   * Asking again is the same as asking once, so a lost datagram is made up for. All others are sent once: a second reset
   * is a second reset.
   */
  readonly idempotent: boolean;
  /** Looks at the session just before the command is sent over it. An error that it answers keeps it from being sent. */
  readonly check?: (destination: Destination) => Error | null;
  /** The answer in a body that came with completion code 00h; null if the body is none. */
  read(data: Buffer): Answer | null;
}

/** Privilege levels (IPMI 2.0 section 6.8). */
export const PRIVILEGES = { CALLBACK: 1, USER: 2, OPERATOR: 3, ADMINISTRATOR: 4 } as const;
/** The name of a privilege level. */
export type Privilege = keyof typeof PRIVILEGES;

/** Numbers of the commands. */
export const COMMAND = {
  getChassisStatus: 0x01,
  chassisControl: 0x02,
  getSystemRestartCause: 0x07,
  getDeviceId: 0x01,
  setWatchdogTimer: 0x24,
  getWatchdogTimer: 0x25,
  getSystemGuid: 0x37,
  getChannelAuthenticationCapabilities: 0x38,
  setSessionPrivilegeLevel: 0x3b,
  closeSession: 0x3c,
} as const;

const nothing = (): null => null;
const done = (): true => true;

/** What a BMC is (IPMI 2.0 section 20.1). */
export interface DeviceId {
  readonly deviceId: number;
  readonly deviceRevision: number;
  /** For example `2.41`: the minor part is a BCD number. */
  readonly firmware: string;
  readonly ipmiVersion: string;
  /** IANA enterprise number, for example 10368 for Fujitsu. */
  readonly manufacturerId: number;
  readonly productId: number;
}

/** Get Device ID (IPMI 2.0 section 20.1). */
export const getDeviceId: Command<DeviceId> = {
  name: 'Get Device ID',
  netFn: NET_FN.app,
  command: COMMAND.getDeviceId,
  data: Buffer.alloc(0),
  idempotent: true,
  read(data) {
    if (data.length < 11) return null;
    const version = data.readUInt8(4);
    return {
      deviceId: data.readUInt8(0),
      deviceRevision: data.readUInt8(1) & 0x0f,
      firmware: `${data.readUInt8(2) & 0x7f}.${data.readUInt8(3).toString(16).padStart(2, '0')}`,
      ipmiVersion: `${version & 0x0f}.${version >> 4}`,
      manufacturerId: data.readUIntLE(6, 3) & 0x0f_ffff,
      productId: data.readUInt16LE(9),
    };
  },
};

/** The state of a chassis, as far as it concerns power (IPMI 2.0 section 28.2). */
export interface ChassisStatus {
  readonly powerOn: boolean;
  readonly powerFault: boolean;
  /** The power has come on, or gone, by a command of IPMI last time. */
  readonly lastOnByCommand: boolean;
  readonly lastOffByFault: boolean;
}

/** Get Chassis Status (IPMI 2.0 section 28.2). */
export const getChassisStatus: Command<ChassisStatus> = {
  name: 'Get Chassis Status',
  netFn: NET_FN.chassis,
  command: COMMAND.getChassisStatus,
  data: Buffer.alloc(0),
  idempotent: true,
  read(data) {
    if (data.length < 3) return null;
    const [state, last] = [data.readUInt8(0), data.readUInt8(1)];
    return {
      powerOn: (state & 0x01) !== 0,
      powerFault: (state & 0x08) !== 0,
      lastOnByCommand: (last & 0x10) !== 0,
      lastOffByFault: (last & 0x08) !== 0,
    };
  },
};

/** What Chassis Control can do (IPMI 2.0 table 28-4). `soft` presses the power button, `diag` is an NMI. */
export const CHASSIS_CONTROLS = { off: 0, on: 1, cycle: 2, reset: 3, diag: 4, soft: 5 } as const;
/** The name of a chassis control. */
export type ChassisControl = keyof typeof CHASSIS_CONTROLS;

/**
 * Chassis Control (IPMI 2.0 section 28.3). Never sent twice, on and off neither: whether they are still wanted may have
 * changed when the first one was lost, and who ordered them knows.
 */
export function chassisControl(control: ChassisControl): Command<true> {
  return {
    name: `Chassis Control ${control}`,
    netFn: NET_FN.chassis,
    command: COMMAND.chassisControl,
    data: Buffer.from([CHASSIS_CONTROLS[control]]),
    idempotent: false,
    read: done,
  };
}

/** Why the system started last (IPMI 2.0 table 28-11). */
export const RESTART_CAUSES = [
  'unknown',
  'chassis control command',
  'reset by push button',
  'power up by push button',
  'watchdog expiration',
  'OEM',
  'automatic power up: always restore',
  'automatic power up: restore previous',
  'reset by event filter',
  'power cycle by event filter',
  'soft reset',
  'power up by real time clock',
] as const;

/** Get System Restart Cause (IPMI 2.0 section 28.11). */
export const getSystemRestartCause: Command<(typeof RESTART_CAUSES)[number]> = {
  name: 'Get System Restart Cause',
  netFn: NET_FN.chassis,
  command: COMMAND.getSystemRestartCause,
  data: Buffer.alloc(0),
  idempotent: true,
  read: (data) => (data.length < 1 ? null : (RESTART_CAUSES[data.readUInt8(0) & 0x0f] ?? 'unknown')),
};

/** The watchdog timer (IPMI 2.0 section 27.6): who set it, what it does when it runs out, and when that is. */
export interface WatchdogTimer {
  /** 1 BIOS FRB2, 2 BIOS POST, 3 OS load, 4 SMS/OS, 5 OEM. */
  readonly use: number;
  /** 0 nothing, 1 hard reset, 2 power down, 3 power cycle. */
  readonly action: number;
  readonly running: boolean;
  readonly initialMs: number;
  readonly leftMs: number;
}

/** Get Watchdog Timer (IPMI 2.0 section 27.7). */
export const getWatchdogTimer: Command<WatchdogTimer> = {
  name: 'Get Watchdog Timer',
  netFn: NET_FN.app,
  command: COMMAND.getWatchdogTimer,
  data: Buffer.alloc(0),
  idempotent: true,
  read(data) {
    if (data.length < 8) return null;
    const use = data.readUInt8(0);
    return {
      use: use & 0x07,
      action: data.readUInt8(1) & 0x07,
      running: (use & 0x40) !== 0,
      initialMs: data.readUInt16LE(4) * 100,
      leftMs: data.readUInt16LE(6) * 100,
    };
  },
};

/**
 * Set Watchdog Timer (IPMI 2.0 section 27.6), which also stops it: whoever wants a node to be left alone for a while needs
 * that. The timer is written whole, so writing it twice is writing it once.
 */
export function setWatchdogTimer({ use, action, initialMs }: Pick<WatchdogTimer, 'use' | 'action' | 'initialMs'>) {
  const data = Buffer.alloc(6);
  data.writeUInt8(use & 0x07, 0);
  data.writeUInt8(action & 0x07, 1);
  data.writeUInt16LE(Math.min(Math.round(initialMs / 100), 0xffff), 4);
  return {
    name: 'Set Watchdog Timer',
    netFn: NET_FN.app,
    command: COMMAND.setWatchdogTimer,
    data,
    idempotent: true,
    read: done,
  } satisfies Command<true>;
}

/** Set Session Privilege Level (IPMI 2.0 section 22.18). Its answer is the level that the session has. */
export function setSessionPrivilegeLevel(level: number): Command<number> {
  return {
    name: 'Set Session Privilege Level',
    netFn: NET_FN.app,
    command: COMMAND.setSessionPrivilegeLevel,
    data: Buffer.from([level]),
    idempotent: true,
    read: (data) => (data.length < 1 ? null : data.readUInt8(0) & 0x0f),
  };
}

/** Close Session (IPMI 2.0 section 22.19). */
export function closeSession(bmcSessionId: number): Command<null> {
  const data = Buffer.alloc(4);
  data.writeUInt32LE(bmcSessionId, 0);
  return {
    name: 'Close Session',
    netFn: NET_FN.app,
    command: COMMAND.closeSession,
    data,
    idempotent: true,
    read: nothing,
  };
}

/** How one can log in (IPMI 2.0 section 22.13). */
export interface AuthenticationCapabilities {
  /** RMCP+, which is IPMI 2.0 over LAN, is there. */
  readonly ipmi2: boolean;
  /** The BMC key K_g is set: sessions need it. */
  readonly kgIsSet: boolean;
}

/** Get Channel Authentication Capabilities of the channel that it comes by, with the IPMI 2.0 data. Needs no session. */
export function getChannelAuthenticationCapabilities(privilege: number): Command<AuthenticationCapabilities> {
  return {
    name: 'Get Channel Authentication Capabilities',
    netFn: NET_FN.app,
    command: COMMAND.getChannelAuthenticationCapabilities,
    data: Buffer.from([0x8e, privilege]),
    idempotent: true,
    read(data) {
      if (data.length < 4) return null;
      const extended = (data.readUInt8(1) & 0x80) !== 0;
      return { ipmi2: extended && (data.readUInt8(3) & 0x02) !== 0, kgIsSet: (data.readUInt8(2) & 0x20) !== 0 };
    },
  };
}

/** Any command, for example one of a vendor. */
export function rawCommand(
  netFn: number,
  command: number,
  data: Buffer,
  { name, idempotent }: { readonly name: string; readonly idempotent: boolean },
): Command<Buffer> {
  return { name, netFn, command, data, idempotent, read: (answer) => answer };
}
