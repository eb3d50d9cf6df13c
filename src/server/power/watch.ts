/** Watching a power task until it is at rest. */
import { isAtRest } from '../../core/states.ts';
import { getPowerTask } from '../store/power_tasks.ts';
import type { PowerTaskRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

/**
 * A task as it is now, then as each later commit leaves it, until it is at rest. An abort ends the watching with its
 * reason.
 */
export async function* watchPowerTask(uuid: string, store: Store, signal: AbortSignal): AsyncGenerator<PowerTaskRow> {
  const changes = store.database.feed.watch(`task ${uuid}`, signal);
  try {
    let task = await getPowerTask(uuid, store.database.read);
    yield task;
    while (!isAtRest(task.state)) {
      const next = await changes.next();
      if (next.done) return;
      if (next.value.kind !== 'task' || next.value.task.revision <= task.revision) continue;
      task = next.value.task;
      yield task;
    }
  } finally {
    await changes.return(undefined);
  }
}
