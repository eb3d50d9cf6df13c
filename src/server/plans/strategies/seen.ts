/** What strategies look at. */
import type { ComputeService, Instance } from '../../../compute/compute.ts';
import type { NodeRow } from '../../store/rows.ts';

/** A node of the scope. */
export type SeenNode = Pick<NodeRow, 'uuid' | 'name' | 'labels' | 'powerState' | 'maintenance'>;

/** One host of a compute service. */
export interface HostSeen {
  readonly cloud: string;
  readonly host: string;
  /** What names of actions call it: the host, with its cloud where another cloud has a host of the same name. */
  readonly title: string;
  readonly service: ComputeService;
  /** In the order of their names. */
  readonly instances: readonly Instance[];
  /** The moves from and to it that are not over, a phrase for each. */
  readonly moves: readonly string[];
}

/** What a strategy has seen outside of the conductor, by the uuid of the node that it is about. */
export type Looked = ReadonlyMap<string, HostSeen>;
