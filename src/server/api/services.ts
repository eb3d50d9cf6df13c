/** The services of a conductor, put together once and used by every protocol: what each call is held to is shared as well. */
import type { Chance } from '../../core/chance.ts';
import { type Clock, isWithin } from '../../core/clock.ts';
import { type CountermandError, fail } from '../../core/errors.ts';
import type { Traces } from '../../core/tracing.ts';
import { AccessServiceDefinition, type AccessServiceImplementation } from '../../gen/countermand/v1/access.ts';
import {
  ActionPlanServiceDefinition,
  type ActionPlanServiceImplementation,
} from '../../gen/countermand/v1/action_plan.ts';
import { AuditServiceDefinition, type AuditServiceImplementation } from '../../gen/countermand/v1/audit.ts';
import { ConductorServiceDefinition, type ConductorServiceImplementation } from '../../gen/countermand/v1/conductor.ts';
import { NodeServiceDefinition, type NodeServiceImplementation } from '../../gen/countermand/v1/node.ts';
import {
  NotificationServiceDefinition,
  type NotificationServiceImplementation,
} from '../../gen/countermand/v1/notification.ts';
import { PowerServiceDefinition, type PowerServiceImplementation } from '../../gen/countermand/v1/power.ts';
import { Access } from '../access/access.ts';
import { Budgets } from '../access/budgets.ts';
import { type Asked, anonymous, type Identify, type Identity } from '../access/identity.ts';
import { withOnBehalfOf } from '../access/on_behalf.ts';
import { OpenStreams } from '../access/open_streams.ts';
import type { Conductor } from '../conductor.ts';
import { EventTail } from '../events/tail.ts';
import type { Log } from '../log.ts';
import { gaugeFleet } from '../metrics/fleet.ts';
import { MetricRegistry } from '../metrics/registry.ts';
import { createAccessService } from './access_service.ts';
import { createAuditService } from './audit_service.ts';
import { authorize } from './authorize.ts';
import { refuseWhenFull } from './calls.ts';
import { createConductorService } from './conductor_service.ts';
import { countCalls } from './counted.ts';
import { denied } from './denied.ts';
import { type Guard, inTurn } from './guards.ts';
import { holdCallers, holdMakers, USUAL_LIMITS } from './identity_limits.ts';
import { createNodeService } from './node_service.ts';
import { createNotificationService } from './notification_service.ts';
import { createPlanService } from './plan_service.ts';
import { createPowerService } from './power_service.ts';
import { openReadiness, type Readiness } from './readiness.ts';
import { tellRefused } from './refused_callers.ts';
import { checkRequests } from './requests.ts';
import { type Traced, traceCalls } from './traced.ts';
import { keepTrail, type Recorded } from './trail.ts';
import type { Viewed } from './view.ts';

/** The contracts of the services that clients call, whichever protocol they speak. An agent's is not among them: it needs gRPC. */
export const SERVED = {
  nodes: NodeServiceDefinition,
  power: PowerServiceDefinition,
  plans: ActionPlanServiceDefinition,
  audits: AuditServiceDefinition,
  notifications: NotificationServiceDefinition,
  itself: ConductorServiceDefinition,
  access: AccessServiceDefinition,
} as const;

/** Why calls are not served here. */
export interface Elsewhere {
  readonly error: CountermandError;
  /** HOST:PORT of the conductor that leads; null if none leads, or it is not known. */
  readonly grpc: string | null;
  /** HOST:PORT of the HTTP door of the conductor that leads; null if none leads, or it has none. */
  readonly http: string | null;
}

/** What the context of each call carries. */
export type Called = Asked & Traced & Recorded & Viewed;

/** The services that clients call, and what a protocol needs to serve them. */
export interface Services {
  readonly nodes: NodeServiceImplementation<Called>;
  readonly power: PowerServiceImplementation<Called>;
  readonly plans: ActionPlanServiceImplementation<Called>;
  readonly audits: AuditServiceImplementation<Called>;
  readonly notifications: NotificationServiceImplementation<Called>;
  /** About the conductor itself. */
  readonly itself: ConductorServiceImplementation<Called>;
  readonly access: AccessServiceImplementation<Called>;
  /**
   * What each call passes before its service sees it: the limits on requests and streams, the audit trail, what its caller may do,
   * and the disk that is full.
   */
  readonly hold: Guard<Called>;
  /** Who makes a call. */
  readonly identify: Identify;
  /** Why no new work can be taken now, or null if it can. */
  notReady(): CountermandError | null;
  /** How ready it is, for probes. @throws as `notReady` says; AGENT_NOT_ATTACHED if there are nodes, and no agent for any of them */
  readiness(): Promise<Readiness>;
  /** Why nothing is served here, and where it is; null while it is served here. */
  elsewhere(): Elsewhere | null;
  /** True if what was made at this time may have been asked for by an earlier attempt of a request that equals it. */
  isRecent(at: Date | undefined): boolean;
  /** The metrics as they are now, in the text format of Prometheus. @throws PERMISSION_DENIED */
  metrics(identity: Identity): Promise<string>;
  readonly log: Log;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Where calls are counted. */
  readonly registry: MetricRegistry;
  /** Where spans go. */
  readonly traces: Traces;
}

/**
 * The services of a conductor, for callers that `identify` knows; without it every caller is anonymous, and may do everything.
 * @param access what callers may do
 * @param registry where calls are counted
 * @param limits of each identity
 */
export function createServices(
  conductor: Conductor,
  identify: Identify = async (credentials) => anonymous(credentials),
  access = new Access(null),
  registry = new MetricRegistry(),
  limits = USUAL_LIMITS,
): Services {
  const { disk, log, shutdown, orders } = conductor;
  const { store } = orders;
  const { clock, chance, database } = store;
  const streams = new OpenStreams(access);
  const tail = new EventTail(database);
  const readiness = openReadiness(conductor);
  void streams.lookOn(clock, shutdown);
  const notReady = (): CountermandError | null => {
    if (shutdown.aborted) return shutdown.reason;
    if (database.isFull) return fail('DISK_FULL', `${database.disk} is full; new orders are refused`);
    return null;
  };
  return {
    nodes: createNodeService(conductor),
    power: createPowerService(conductor),
    plans: createPlanService(conductor),
    audits: createAuditService(conductor),
    notifications: createNotificationService(conductor, tail),
    itself: createConductorService(conductor),
    access: createAccessService(conductor, { access, streams }),
    hold: inTurn<Called>([
      countCalls(registry, clock),
      checkRequests(),
      holdCallers(new Budgets(limits, clock), access),
      traceCalls(store),
      keepTrail(store, log),
      holdMakers(limits),
      authorize({ access, streams, store }),
      refuseWhenFull(disk),
    ]),
    identify: tellRefused(withOnBehalfOf(identify), { log, registry, clock }),
    notReady,
    async readiness() {
      const error = notReady();
      if (error) throw error;
      return readiness();
    },
    elsewhere: () => null,
    isRecent: (at) => at !== undefined && isWithin(orders.limits.repetitionWindowMs, at.getTime(), clock.now()),
    async metrics(identity) {
      if (!access.rightsOf(identity).may('metrics.read')) throw denied(identity.name, 'metrics.read', null);
      await gaugeFleet({ ...conductor, tail }, registry);
      return registry.text();
    },
    log,
    clock,
    chance,
    registry,
    traces: store.traces,
  };
}
