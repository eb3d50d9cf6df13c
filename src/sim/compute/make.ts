/** A whole pretended cloud, made of its parts. */
import type { Chance } from '../../core/chance.ts';
import type { Clock } from '../../core/clock.ts';
import type { ServiceParts, ServiceTraits } from './call.ts';
import type { ComputeTimes } from './faults.ts';
import { SimKeystone, type SimUser } from './keystone.ts';
import { Moves } from './moves.ts';
import { SimCloud } from './sim_cloud.ts';

/** What it is made from. */
interface NewCloud {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly user: SimUser;
  readonly times?: Partial<ComputeTimes>;
}

/** A cloud without hosts. */
export function makeCloud({ clock, chance, user, times = {} }: NewCloud): ServiceParts & { traits: ServiceTraits } {
  const cloud = new SimCloud({ clock, chance, times });
  const keystone = new SimKeystone([user], { clock, chance });
  return { cloud, keystone, moves: new Moves(cloud), traits: { version: '2.93', unavailable: false } };
}
