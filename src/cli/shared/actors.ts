/** Who did something, in words. */
import type { Actor } from '../../gen/countermand/v1/actor.ts';

/** An identity, and the one that it acts for; empty if that is not known. */
export function actorWords(actor: Actor | undefined): string {
  if (actor === undefined) return '';
  return actor.onBehalfOf === '' ? actor.identity : `${actor.identity} for ${actor.onBehalfOf}`;
}

/** What stands behind a time: ` by jwt:alice`; empty if that is not known. */
export const byWords = (actor: Actor | undefined): string => (actor === undefined ? '' : ` by ${actorWords(actor)}`);
