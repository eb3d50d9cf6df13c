/**
 * Plans whose turn has come and that wait for the end of a freeze. They would fail at the frozen nodes, and leave the rest half done; a
 * start by a person is refused for the same reason. Nothing of it is stored: a conductor that starts finds them PENDING.
 */
import type { CountermandError } from '../../core/errors.ts';
import { retry } from '../retry.ts';
import type { ActionPlanRow } from '../store/plan_rows.ts';
import type { PlanParts } from './parts.ts';

/** The plans of one conductor that wait for the end of a freeze. */
export class FrozenPlans {
  readonly #parts: PlanParts;
  readonly #look: (uuid: string) => Promise<void>;
  /** By uuid; true if that was found at the last look. */
  readonly #held = new Map<string, boolean>();
  #isFollowing = false;

  /** @param look takes a plan up as it stands; it is held again if it has to be */
  constructor(parts: PlanParts, look: (uuid: string) => Promise<void>) {
    this.#parts = parts;
    this.#look = look;
  }

  /** The plan is taken up again when a freeze ends. */
  hold({ uuid, name }: ActionPlanRow, { message }: CountermandError): void {
    const { log } = this.#parts;
    if (!this.#held.has(uuid)) log.info({ plan: uuid, name, reason: message }, 'a plan waits for the end of a freeze');
    this.#held.set(uuid, true);
    if (!this.#isFollowing) this.#follow();
  }

  #follow(): void {
    const { orders, log, shutdown } = this.#parts;
    const parts = { clock: orders.store.clock, log };
    this.#isFollowing = true;
    const work = async (): Promise<void> => {
      while (this.#held.size > 0) {
        // Begun before the plans are looked at, so that no end falls between.
        const end = orders.freezes.untilOneEnds(shutdown);
        // The shutdown may come while they are looked at; it is told where the end is awaited.
        end.catch(() => {});
        for (const uuid of [...this.#held.keys()]) await this.#lookAgain(uuid);
        await end;
      }
      this.#isFollowing = false;
    };
    retry(work, { message: 'the ends of freezes could not be followed', fields: {} }, parts, shutdown).catch(() => {});
  }

  async #lookAgain(uuid: string): Promise<void> {
    this.#held.set(uuid, false);
    await this.#look(uuid);
    if (!this.#held.get(uuid)) this.#held.delete(uuid);
  }
}
