/** The effect of a Reset, with each fault. */
import type { OrderFault } from './faults.ts';
import type { Page } from './page.ts';
import { errorPage, type TaskId, taskPage } from './pages.ts';
import type { SimRedfish, SimSystem } from './sim_redfish.ts';

/** What is answered. */
export interface ResetAnswer {
  readonly status: number;
  readonly page?: Page;
  /** Sent instead of a page. */
  readonly html?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How the answer is spoilt on its way. */
  readonly spoilt?: 'resets' | 'truncated' | 'late';
}

/** Another place, where nothing listens. */
const AWAY = 'http://127.0.0.1:9/redfish/v1/Systems/1/Actions/ComputerSystem.Reset';
const PAGE = '<html><body><h1>Try again</h1></body></html>';

/** A Reset as it came in. */
interface Reset {
  readonly system: SimSystem;
  readonly resetType: string;
  readonly ifMatch: string | null;
  /** The path it was sent to. */
  readonly path: string;
}

type Answering = (reset: Reset, redfish: SimRedfish) => ResetAnswer;

const done =
  (answer: ResetAnswer): Answering =>
  ({ system, resetType, ifMatch }, redfish) => {
    redfish.receive(system, resetType, ifMatch, true);
    return answer;
  };
const refused =
  (answer: ResetAnswer): Answering =>
  ({ system, resetType, ifMatch }, redfish) => {
    redfish.receive(system, resetType, ifMatch, false);
    return answer;
  };
const message = (status: number, id: string, text: string, args: readonly string[] = []): ResetAnswer => ({
  status,
  page: errorPage(id, text, args),
});
const success = done({ status: 204 });
const CONFLICT = message(409, 'ActionParameterValueConflict', 'The value conflicts.');
const task = (id: TaskId): ResetAnswer => ({
  status: 202,
  headers: { Location: `/redfish/v1/TaskService/TaskMonitors/${id}` },
  page: { ...taskPage(id), TaskState: 'New' },
});

/** Carried out with the ETag of the System only. */
const withMatch =
  (status: 412 | 428): Answering =>
  (reset, redfish) =>
    (reset.ifMatch === redfish.etag ? success : refused(message(status, 'PreconditionRequired', 'No ETag.')))(
      reset,
      redfish,
    );

const ANSWERS: Readonly<Record<OrderFault, Answering>> = {
  none: success,
  message: done({ status: 200, page: errorPage('Success', 'Successfully Completed Request.') }),
  task: done(task('1')),
  'task-exception': done(task('2')),
  late: done({ status: 204, spoilt: 'late' }),
  resets: done({ status: 204, spoilt: 'resets' }),
  truncated: done({ status: 200, page: errorPage('Success', 'Successfully Completed Request.'), spoilt: 'truncated' }),
  'internal-error': done(message(500, 'InternalError', 'The request failed due to an internal service error.')),
  'bad-gateway': done({ status: 502, html: PAGE }),
  'front-unavailable': done({ status: 503, html: PAGE }),
  'error-in-200': done({ status: 200, page: errorPage('Oddity', 'Something is odd.') }),
  'page-in-200': done({ status: 200, html: PAGE }),
  unavailable: refused(message(503, 'ServiceTemporarilyUnavailable', 'Retry in 10 seconds.', ['10'])),
  'wants-match': withMatch(428),
  'wants-match-412': withMatch(412),
  'refuses-match': (reset, redfish) =>
    refused(message(reset.ifMatch === null ? 428 : 412, 'PreconditionFailed', 'The ETag does not match.'))(
      reset,
      redfish,
    ),
  'login-ends': (reset, redfish) => {
    if (redfish.received.length > 0) return success(reset, redfish);
    redfish.dropSessions();
    return refused(message(401, 'NoValidSession', 'There is no valid session.'))(reset, redfish);
  },
  'slash-redirect': (reset, redfish) =>
    (reset.path.endsWith('/') ? success : refused({ status: 308, headers: { Location: `${reset.path}/` } }))(
      reset,
      redfish,
    ),
  'redirect-loop': (reset, redfish) => refused({ status: 308, headers: { Location: reset.path } })(reset, redfish),
  'redirect-away': refused({ status: 308, headers: { Location: AWAY } }),
  'already-there': (reset, redfish) => {
    const { host } = reset.system;
    const isThere = reset.resetType === (host.power === 'power on' ? 'On' : 'ForceOff');
    const answer = message(
      409,
      host.power === 'power on' ? 'PSU501' : 'PSU502',
      'Unable to perform the power operation.',
    );
    return (isThere ? refused(answer) : success)(reset, redfish);
  },
  'already-there-400': (reset, redfish) => {
    const isThere = reset.resetType === (reset.system.host.power === 'power on' ? 'On' : 'ForceOff');
    const answer = message(400, 'InvalidOperationForSystemState', 'The operation is not valid in this state.');
    return (isThere ? refused(answer) : success)(reset, redfish);
  },
  'nmi-not-implemented': (reset, redfish) =>
    (reset.resetType === 'Nmi' ? refused({ status: 501 }) : success)(reset, redfish),
  masked: refused(message(400, 'PropertyValueIncorrect', 'The property Reset has an incorrect value.', ['Reset'])),
  'not-supported': refused(message(400, 'ActionNotSupported', 'The action is not supported.')),
  'not-implemented': refused({ status: 501 }),
  conflict: refused(CONFLICT),
  privilege: refused(message(403, 'InsufficientPrivilege', 'There are insufficient privileges.')),
};

/** What the service answers to a Reset. It counts it, and carries it out where the fault says so. */
export function answerReset(reset: Reset, redfish: SimRedfish): ResetAnswer {
  const { order, resetTypes, refusesOnMs } = redfish.faults;
  if (reset.resetType === 'On' && reset.system.host.offForMs < refusesOnMs && reset.system.host.power === 'power off')
    return refused(CONFLICT)(reset, redfish);
  if (resetTypes.includes(reset.resetType)) return ANSWERS[order](reset, redfish);
  return refused(message(400, 'ActionParameterValueNotInList', `The value ${reset.resetType} is not in the list.`))(
    reset,
    redfish,
  );
}
