/** Requests to a pretended compute service, and what they are answered with. */
import type { SimKeystone, SimUser } from './keystone.ts';
import type { Moves } from './moves.ts';
import type { SimCloud } from './sim_cloud.ts';

/** One request. The names of headers are in small letters. */
export interface WebRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As JSON has it; undefined if there is none. */
  readonly body: unknown;
}

/** What a pretended service is made from. */
export interface ServiceParts {
  readonly cloud: SimCloud;
  readonly moves: Moves;
  readonly keystone: SimKeystone;
}

/** How it looks from outside, and what is wrong with it as a whole. */
export interface ServiceTraits {
  /** The newest version that it speaks. */
  version: string;
  /** It answers 503. */
  unavailable: boolean;
}

/** A request within the service. */
export interface Call extends ServiceParts {
  readonly request: WebRequest;
  readonly query: URLSearchParams;
  readonly user: SimUser;
  /** What the pattern of the route caught. */
  readonly caught: readonly string[];
  readonly requestId: string;
}
