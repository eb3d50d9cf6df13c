/** The mistakes that a simulation must find: each changes a few lines of the product, as a tired author would. */

import type { Edit } from './copies.ts';

/** What is wrong afterwards, by name. */
export const DEFECTS: Readonly<Record<string, readonly Edit[]>> = {
  'a write does not compare the revision that it was decided on': [
    {
      file: 'src/server/store/compare_and_set.ts',
      from: '{ uuid, revision }, expected);',
      to: '{ uuid }, expected);',
    },
  ],
  'a member of a group that fails fails the others': [
    { file: 'src/server/store/groups.ts', from: 'if (!shared || endsGroup(error)) throw error;', to: 'throw error;' },
  ],
  'a member of a group that fails undoes others, which are told that they are written': [
    {
      file: 'src/server/store/groups.ts',
      from: 'if (shared) await direct.savepoint();',
      to: 'if (shared && group.appended.length === 0) await direct.savepoint();',
    },
    {
      file: 'src/server/store/groups.ts',
      from: 'if (shared) await direct.release();',
      to: '',
    },
  ],
  'a row that a failed write has changed stays in memory': [
    {
      file: 'src/server/store/groups.ts',
      from: 'kept.endOne(false);\n    return () => write.reject(error);',
      to: 'kept.endOne(true);\n    return () => write.reject(error);',
    },
  ],
  'the events of a commit are stored in another order than they happened': [
    {
      file: 'src/server/store/groups.ts',
      from: "await direct.insert(table, table === 'trail' ? await chained(rows, sql) : rows);",
      to: "await direct.insert(table, table === 'trail' ? await chained(rows, sql) : rows.toReversed());",
    },
  ],
  'a task is handed to another agent under the fence of the first': [
    {
      file: 'src/server/power/transition.ts',
      from: 'const fence = node.fence + 1;\n  const handedNode',
      to: 'const fence = node.fence;\n  const handedNode',
    },
  ],
  'a callback that runs twice leaves what its first run has written': [
    {
      file: 'src/server/store/groups.ts',
      from: 'await direct.undo();\n  kept.endOne(false);\n}',
      to: 'await direct.release();\n  kept.endOne(false);\n}',
    },
  ],
  'a callback takes what it writes from a list, and finds none when it runs again': [
    {
      file: 'src/server/plans/plan_run.ts',
      from: 'await moveActions([...moves, ...mayBegin]',
      to: 'await moveActions([...moves.splice(0), ...mayBegin]',
    },
  ],
  'a conductor from which the database was taken writes on': [
    {
      file: 'src/server/store/sqlite/database.ts',
      from: 'if (generation === 0) return;',
      to: 'if (generation >= 0) return;',
    },
  ],
  'a leader that leads no more sends what it has decided': [
    {
      file: 'src/server/agents/attachments.ts',
      from: 'if (objection !== null) return cancellation.abort(objection);',
      to: '',
    },
  ],
  'a leader that has slept trusts its timer, and not its clock': [
    {
      file: 'src/server/store/postgres/tenure.ts',
      from: 'if (this.restMs() > 0) return null;\n    this.end',
      to: 'if (this.restMs() > 0 || this.#woken()) return null;\n    this.end',
    },
    {
      file: 'src/server/store/postgres/tenure.ts',
      from: '  readonly #cancellation = openCancellation([]);',
      to: '  readonly #cancellation = openCancellation([]);\n  #atTimer = false;\n  #woken = (): boolean => !this.#atTimer;',
    },
    {
      file: 'src/server/store/postgres/tenure.ts',
      from: 'const end = (): void => void this.objection();',
      to: 'const end = (): void => {\n      this.#atTimer = true;\n      this.objection();\n      this.#atTimer = false;\n    };',
    },
  ],
  'an agent believes any epoch, and conductors welcome it before their database has let them': [
    {
      file: 'src/server/agents/attachments.ts',
      from: 'await this.#listener?.attaching(hello, identity);',
      to: 'this.#listener?.attaching(hello, identity).catch(() => {});',
      isInFront: true,
    },
    {
      file: 'src/agent/epoch.ts',
      from: 'if (epoch < this.#newest && now - this.#heardAt < leaseMs) return false;',
      to: 'if (epoch < this.#newest && now - this.#heardAt < leaseMs) return true;',
    },
  ],
  'a new leader does not wait for agents inside the one before': [
    {
      file: 'src/server/store/postgres/stand_by.ts',
      from: 'const mayActMs = patience.mayActMs(clock.monotonic(), { hasEnded, predecessorsEnded, leaseMs });',
      to: 'const mayActMs = 0;',
    },
  ],
  'a new leader does not wait for agents inside those before the last': [
    {
      file: 'src/server/store/postgres/election.ts',
      from: 'if (!predecessorsEnded) return bearMs;',
      to: '',
    },
  ],
  'a new leader does not presume that the agents of the one before still act': [
    {
      file: 'src/server/conductor.ts',
      from: 'await presumeOldAgentsLost(given, attachments);',
      to: '',
    },
  ],
  'an agent inside a conductor acts for longer than that leads': [
    {
      file: 'src/agent/agent.ts',
      from: 'if (this.#restOfSilenceMs <= 0) throw this.#silence();\n',
      to: '',
      isInFront: true,
    },
    {
      file: 'src/agent/leave.ts',
      from: 'if (clock.monotonic() - readyAt < GO_VALID_MS) resolve(go);\n        else tooLate();',
      to: 'resolve(go);',
      isInFront: true,
    },
    {
      file: 'src/agent/lease.ts',
      from: 'return Math.min(this.#leaseMs - this.silentMs, this.#leadsForMs());',
      to: 'return this.#leaseMs - this.silentMs;',
    },
  ],
  'the lease of a leader counts from the answer, not from the question': [
    {
      file: 'src/server/store/postgres/tenure.ts',
      from: 'hear((askedAt) => this.#lease.answered(askedAt));',
      to: 'hear(() => this.#lease.answered(clock.monotonic()));',
    },
  ],
  'a stand-by ends a leader before its lease is over': [
    {
      file: 'src/server/store/postgres/election.ts',
      from: 'if (!isChange && now - this.#since < this.#bearMs(leaseMs)) return',
      to: 'if (!isChange && now - this.#since < this.#bearMs(leaseMs) * 0.9) return',
    },
  ],
  'an order that its client repeats at the next leader is another order': [
    {
      file: 'src/server/agents/attachments.ts',
      from: '  /** The attached agents. */',
      to: '  get conductorUuid(): string {\n    return this.#conductorUuid;\n  }\n\n  /** The attached agents. */',
    },
    {
      file: 'src/server/power/orders.ts',
      from: 'const by = {\n    requestId,',
      to: "const by = {\n    requestId: [requestId, parts.attachments.conductorUuid].join(' '),",
    },
  ],
  'Subscribe resumes one number late': [
    {
      file: 'src/server/api/notification_service.ts',
      from: 'from: subscription.from ?? position.newest + 1',
      to: 'from: (subscription.from ?? position.newest) + 1',
    },
  ],
  'an agent that was frozen takes a Go that lay in front of it': [
    {
      file: 'src/agent/leave.ts',
      from: 'if (clock.monotonic() - readyAt < GO_VALID_MS) resolve(go);\n        else tooLate();',
      to: 'resolve(go);',
    },
  ],
};
