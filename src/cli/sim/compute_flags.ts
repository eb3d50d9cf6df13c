/** What `countermand sim compute` can be told. */
import { fail } from '../../core/errors.ts';
import type { ComputeTimes, InstanceFaults } from '../../sim/compute/faults.ts';
import type { Environment } from '../shared/terminal.ts';
import { hasFaults } from './fault_flags.ts';
import { mustBeAddress, PASSWORD_VARIABLE, readFaulty, readNumber, readSpanMs } from './flags.ts';

/** The flags, as commander gives them. */
export interface ComputeOptions {
  readonly hosts: string;
  readonly instances: string;
  readonly stopped?: string;
  readonly address: string;
  readonly port: string;
  readonly username: string;
  readonly computeVersion: string;
  readonly live: string;
  readonly cold: string;
  readonly record: string;
  readonly accepted: string;
  readonly capacity: string;
  readonly faulty?: string;
  readonly liveFault?: InstanceFaults['live'];
  readonly coldFault?: InstanceFaults['cold'];
  readonly abortFault?: InstanceFaults['abort'];
  readonly answers?: InstanceFaults['answers'];
  readonly powerStuck?: boolean;
  readonly dead?: string;
  readonly tokenSeconds?: string;
  readonly member?: boolean;
  readonly unavailable?: boolean;
}

/** What is pretended. Hosts and instances are numbered from 1. */
export interface ComputeSettings {
  readonly hosts: number;
  readonly instances: number;
  readonly stopped: ReadonlySet<number>;
  readonly address: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly passwordIsSecret: boolean;
  readonly version: string;
  readonly times: Partial<ComputeTimes>;
  readonly capacity: number;
  readonly faulty: ReadonlySet<number>;
  readonly faults: Partial<InstanceFaults>;
  readonly dead: ReadonlySet<number>;
  readonly tokenMs: number | null;
  readonly admin: boolean;
  readonly unavailable: boolean;
}

const MOST_HOSTS = 1000;
const MOST_INSTANCES = 100_000;
const LAST_PORT = 65_535;
/** Tokens last a day at the longest. */
const MOST_TOKEN_S = 86_400;
const FAULTS = ['liveFault', 'coldFault', 'abortFault', 'answers', 'powerStuck'] as const;

/** Reads the flags. @throws ARGUMENT_INVALID naming the flag and what is possible */
export function readComputeSettings(options: ComputeOptions, environment: Environment): ComputeSettings {
  const instances = readNumber(options.instances, 0, MOST_INSTANCES, '--instances');
  const hosts = readNumber(options.hosts, 1, MOST_HOSTS, '--hosts');
  mustBeAddress(options.address);
  if (!/^2\.\d{1,3}$/.test(options.computeVersion))
    throw fail('ARGUMENT_INVALID', `--compute-version: '${options.computeVersion}' is no version such as 2.93`);
  const isFaulty = hasFaults(options, FAULTS, '--live-fault fails');
  const given = environment[PASSWORD_VARIABLE];
  return {
    hosts,
    instances,
    stopped: options.stopped === undefined ? new Set() : readFaulty(options.stopped, instances, '--stopped'),
    address: options.address,
    port: readNumber(options.port, 0, LAST_PORT, '--port'),
    username: options.username,
    password: given ?? 'secret',
    passwordIsSecret: given !== undefined,
    version: options.computeVersion,
    times: {
      liveMs: readSpanMs(options.live, '--live'),
      coldMs: readSpanMs(options.cold, '--cold'),
      recordMs: readSpanMs(options.record, '--record'),
      acceptedMs: readSpanMs(options.accepted, '--accepted'),
    },
    capacity: readNumber(options.capacity, 0, MOST_INSTANCES, '--capacity'),
    faulty: isFaulty ? readFaulty(options.faulty, instances) : new Set(),
    faults: {
      ...(options.liveFault && { live: options.liveFault }),
      ...(options.coldFault && { cold: options.coldFault }),
      ...(options.abortFault && { abort: options.abortFault }),
      ...(options.answers && { answers: options.answers }),
      powerStuck: options.powerStuck === true,
    },
    dead: options.dead === undefined ? new Set() : readFaulty(options.dead, hosts, '--dead'),
    tokenMs:
      options.tokenSeconds === undefined
        ? null
        : 1000 * readNumber(options.tokenSeconds, 1, MOST_TOKEN_S, '--token-seconds'),
    admin: options.member !== true,
    unavailable: options.unavailable === true,
  };
}
