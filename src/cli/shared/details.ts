/** The details of an error, as the conductor sends them in trailing metadata. */
import type { ErrorDetails } from '../../core/errors.ts';
import { RESOURCE_TYPES, type ResourceType } from '../../core/resource_types.ts';
import { Possible } from '../../gen/countermand/v1/power.ts';
import type { Any } from '../../gen/google/protobuf/any.ts';
import { BadRequest, ErrorInfo } from '../../gen/google/rpc/error_details.ts';
import { Status } from '../../gen/google/rpc/status.ts';
import { ordersOf } from './possible.ts';

const isResourceType = (type: string): type is ResourceType => RESOURCE_TYPES.some((known) => known === type);

/** The details in an encoded google.rpc.Status; none if it cannot be read: the error is told without. */
export function readDetails(bytes: Uint8Array | undefined): ErrorDetails {
  if (bytes === undefined) return {};
  try {
    return detailsOf(Status.decode(bytes).details);
  } catch {
    return {};
  }
}

function detailsOf(all: readonly Any[]): ErrorDetails {
  const named = (name: string): Any[] => all.filter(({ typeUrl }) => typeUrl === `type.googleapis.com/${name}`);
  const [info] = named('google.rpc.ErrorInfo').map(({ value }) => ErrorInfo.decode(value));
  const { retryable: _, field, resource_type: type, resource_name: name = '', ...facts } = info?.metadata ?? {};
  const possible = ordersOf(named('countermand.v1.Possible').map(({ value }) => Possible.decode(value)));
  const [bad] = named('google.rpc.BadRequest').map(({ value }) => BadRequest.decode(value));
  const rule = bad?.fieldViolations[0]?.description;
  return {
    ...(field !== undefined && { field }),
    ...(rule !== undefined && { rule }),
    ...(type !== undefined && isResourceType(type) && { resource: { type, name } }),
    ...(possible.length > 0 && { possible }),
    ...(Object.keys(facts).length > 0 && { facts }),
  };
}
