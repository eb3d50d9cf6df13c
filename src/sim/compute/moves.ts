/** How pretended instances move: each migration goes on by itself, step by step, as a real one was seen to. */
import type { SimAction, SimComputeHost, SimInstance, SimMigration } from './model.ts';
import { failAction, type SimCloud } from './sim_cloud.ts';

/** A live migration on its way. */
interface LiveRun {
  readonly instance: SimInstance;
  readonly migration: SimMigration;
  /** It was aborted, and that takes effect when the step that it is in allows it. */
  aborted: boolean;
}

/** The time after an abort within which a waiting or copying migration has ended. */
const ABORT_MS = 600;

/** The moves of one cloud. */
export class Moves {
  readonly #cloud: SimCloud;
  readonly #live = new Map<number, LiveRun>();
  /** Per source host one live migration at a time; the others wait. */
  readonly #copying = new Map<string, LiveRun[]>();

  constructor(cloud: SimCloud) {
    this.#cloud = cloud;
    cloud.restarts.add((host) => this.#tidy(host));
  }

  /** A live migration was accepted: the rest follows by itself. */
  beginLive(instance: SimInstance, wanted: string | null, action: SimAction): void {
    const { recordMs, acceptedMs } = this.#cloud.times;
    instance.taskState = 'migrating';
    this.#after(recordMs, () => {
      const migration = this.#cloud.newMigration('live-migration', instance, 'accepted');
      this.#after(acceptedMs, () => this.#accepted({ instance, migration, aborted: false }, wanted, action));
    });
  }

  #accepted(run: LiveRun, wanted: string | null, action: SimAction): void {
    const { instance, migration } = run;
    const cloud = this.#cloud;
    const source = cloud.hosts.get(migration.source);
    const refuses = cloud.faultsOf(instance).live === 'no-valid-host';
    const dest = refuses ? null : cloud.schedule(instance, wanted);
    const isSourceDown = source === undefined || cloud.stateOf(source) === 'down';
    if (dest === null || isSourceDown) {
      const why = isSourceDown ? `Compute service of ${migration.source} is unavailable at this time.` : undefined;
      failAction(action, 'conductor_live_migrate_instance', why);
      migration.status = 'error';
      instance.taskState = null;
      return;
    }
    migration.dest = dest;
    migration.status = 'queued';
    this.#live.set(migration.id, run);
    const queue = this.#copying.get(migration.source) ?? [];
    this.#copying.set(migration.source, [...queue, run]);
    if (queue.length === 0) this.#prepare(run);
  }

  #prepare(run: LiveRun): void {
    const { instance, migration } = run;
    const { preparingMs, stepMs } = this.#cloud.times;
    this.#onSource(run, 0, () => {
      migration.status = 'preparing';
      this.#onSource(run, preparingMs, () => {
        if (run.aborted) return this.#back(run, 'cancelled');
        if (this.#cloud.faultsOf(instance).live !== 'preparation') return this.#copy(run);
        migration.status = 'error';
        this.#onSource(run, stepMs, () => this.#back(run, 'failed'));
      });
    });
  }

  #copy(run: LiveRun): void {
    const { instance, migration } = run;
    const { live } = this.#cloud.faultsOf(instance);
    migration.status = live === 'post-copy' ? 'running (post-copy)' : 'running';
    if (live === 'stuck') return;
    this.#onSource(run, this.#cloud.times.liveMs, () => {
      if (live === 'fails') return this.#back(run, 'failed');
      if (live === 'times-out') return this.#back(run, 'cancelled');
      if (live === 'error' || live === 'error-moved') return this.#breakDown(run, live === 'error-moved');
      this.#switch(run);
    });
  }

  /** The guest runs at the destination before the migration says so. */
  #switch(run: LiveRun): void {
    const { instance, migration } = run;
    instance.host = migration.dest ?? instance.host;
    instance.taskState = null;
    migration.status = 'running';
    this.#onSource(run, this.#cloud.times.stepMs, () => {
      migration.status = 'completed';
      this.#over(run);
    });
  }

  #breakDown(run: LiveRun, hasMoved: boolean): void {
    const { instance, migration } = run;
    migration.status = 'error';
    if (hasMoved) instance.host = migration.dest ?? instance.host;
    instance.taskState = null;
    this.#over(run);
    // It is seen as it was for a moment.
    this.#after(this.#cloud.times.stepMs, () => {
      instance.vmState = 'error';
      instance.fault = 'Live migration failed.';
    });
  }

  /** It ends where it began. */
  #back(run: LiveRun, status: string): void {
    run.migration.status = status;
    run.instance.taskState = null;
    this.#over(run);
  }

  #over(run: LiveRun): void {
    this.#live.delete(run.migration.id);
    const rest = (this.#copying.get(run.migration.source) ?? []).filter((each) => each !== run);
    this.#copying.set(run.migration.source, rest);
    const [next] = rest;
    if (next?.migration.status === 'queued') this.#prepare(next);
  }

  /** An abort was answered with 202. Whether anything follows is another matter. */
  abort(instance: SimInstance, migration: SimMigration, action: SimAction): void {
    const run = this.#live.get(migration.id);
    const { abort } = this.#cloud.faultsOf(instance);
    const source = this.#cloud.hosts.get(migration.source);
    if (run === undefined || abort === 'nothing' || !source?.alive) return;
    if (abort === 'refused') {
      const why = 'Operation is not supported';
      this.#after(ABORT_MS, () => failAction(action, 'compute_live_migration_abort', why));
      return;
    }
    run.aborted = true;
    if (migration.status === 'preparing') return;
    this.#after(ABORT_MS, () => {
      const isOver = !this.#live.has(migration.id) || instance.host !== migration.source;
      if (!isOver) this.#back(run, 'cancelled');
    });
  }

  /** A cold migration was accepted. */
  beginCold(instance: SimInstance, wanted: string | null, action: SimAction): void {
    const { recordMs, acceptedMs, coldMs, stepMs } = this.#cloud.times;
    instance.taskState = 'resize_prep';
    instance.before = instance.vmState === 'stopped' ? 'stopped' : 'active';
    this.#after(recordMs, () => {
      const migration = this.#cloud.newMigration('migration', instance, 'pre-migrating');
      this.#after(acceptedMs, () => {
        const { cold } = this.#cloud.faultsOf(instance);
        migration.dest = cold === 'no-valid-host' ? null : this.#cloud.schedule(instance, wanted);
        if (migration.dest === null) {
          failAction(action, 'cold_migrate', 'No valid host was found. No valid host found for cold migrate');
          migration.status = 'error';
          instance.taskState = null;
          return;
        }
        migration.status = 'migrating';
        instance.taskState = 'resize_migrating';
        this.#whileAlive(migration.source, coldMs, () => {
          if (cold === 'error') return this.#breakCold(instance, migration);
          migration.status = 'post-migrating';
          instance.taskState = 'resize_migrated';
          instance.host = migration.dest ?? instance.host;
          this.#after(stepMs, () => {
            instance.taskState = 'resize_finish';
            if (cold === 'finish') return this.#breakCold(instance, migration);
            this.#after(stepMs, () => {
              migration.status = 'finished';
              instance.vmState = 'resized';
              instance.taskState = null;
            });
          });
        });
      });
    });
  }

  /** It is in ERROR a moment before nothing is done with it any more. */
  #breakCold(instance: SimInstance, migration: SimMigration): void {
    migration.status = 'error';
    instance.vmState = 'error';
    instance.fault = 'Cold migration failed.';
    this.#after(this.#cloud.times.stepMs, () => {
      instance.taskState = null;
    });
  }

  /** The source copy is deleted; from now on there is no way back but another migration. */
  confirm(instance: SimInstance, migration: SimMigration): void {
    const { stepMs } = this.#cloud.times;
    migration.status = 'confirming';
    this.#after(stepMs, () => {
      migration.status = 'confirmed';
      this.#after(stepMs, () => {
        instance.vmState = instance.before;
      });
    });
  }

  /** The instance goes back to its source. */
  revert(instance: SimInstance, migration: SimMigration): void {
    const { stepMs } = this.#cloud.times;
    migration.status = 'reverting';
    instance.taskState = 'resize_reverting';
    this.#after(stepMs, () => {
      migration.status = 'reverted';
      instance.host = migration.source;
      this.#after(2 * stepMs, () => {
        instance.vmState = instance.before;
        instance.taskState = null;
      });
    });
  }

  /** The instance is built anew elsewhere; its host is down. */
  evacuate(instance: SimInstance, wanted: string | null, action: SimAction): void {
    const { recordMs, acceptedMs, coldMs } = this.#cloud.times;
    instance.taskState = 'rebuilding';
    this.#after(recordMs, () => {
      const migration = this.#cloud.newMigration('evacuation', instance, 'accepted');
      this.#after(acceptedMs, () => {
        migration.dest = this.#cloud.schedule(instance, wanted);
        if (migration.dest === null) {
          failAction(action, 'rebuild_server');
          migration.status = 'error';
          instance.taskState = null;
          return;
        }
        migration.status = 'pre-migrating';
        this.#after(coldMs, () => {
          const source = this.#cloud.hosts.get(migration.source);
          if (source) source.evacuated = true;
          instance.host = migration.dest ?? instance.host;
          instance.taskState = null;
          migration.status = 'done';
        });
      });
    });
  }

  /** A power order was accepted. */
  power(instance: SimInstance, to: 'active' | 'stopped'): void {
    instance.taskState = to === 'active' ? 'powering-on' : 'powering-off';
    if (this.#cloud.faultsOf(instance).powerStuck) return;
    this.#whileAlive(instance.host, this.#cloud.times.powerMs, () => {
      instance.vmState = to;
      instance.taskState = null;
    });
  }

  /** A nova-compute that has started ends what it was copying. */
  #tidy({ name }: SimComputeHost): void {
    for (const run of [...this.#live.values()])
      if (run.migration.source === name && run.instance.host === name) this.#back(run, 'error');
  }

  /** A step of a live migration, which its source takes: not if that is dead, or the migration has ended meanwhile. */
  #onSource(run: LiveRun, delayMs: number, step: () => void): void {
    this.#whileAlive(run.migration.source, delayMs, () => {
      if (this.#live.has(run.migration.id)) step();
    });
  }

  /** What a dead nova-compute was about to do is never done. */
  #whileAlive(host: string, delayMs: number, step: () => void): void {
    this.#after(delayMs, () => {
      if (this.#cloud.hosts.get(host)?.alive) step();
    });
  }

  #after(delayMs: number, step: () => void): void {
    this.#cloud.clock.after(delayMs, step);
  }
}
