/** What the compute service sends, as far as it is used. Whatever else stands in an answer is passed over. */
import * as z from 'zod';
import type { ComputeService, Instance, InstanceAction, InstanceMigration } from './compute.ts';

const text = z.string();
const server = z.looseObject({
  id: text,
  name: text.optional(),
  status: text,
  'OS-EXT-STS:vm_state': text.optional(),
  'OS-EXT-STS:task_state': text.nullish(),
  // Absent without the rights of an admin.
  'OS-EXT-SRV-ATTR:host': text.nullish(),
  fault: z.looseObject({ message: text.optional() }).optional(),
});

const service = z.looseObject({
  id: text,
  host: text,
  status: z.enum(['enabled', 'disabled']),
  state: z.enum(['up', 'down']),
  disabled_reason: text.nullish(),
  forced_down: z.boolean().optional(),
  updated_at: text.nullish(),
});

const migration = z.looseObject({
  id: z.int(),
  migration_type: text,
  status: text,
  instance_uuid: text,
  source_compute: text.nullish(),
  dest_compute: text.nullish(),
});

const action = z.looseObject({
  action: text,
  request_id: text,
  message: text.nullish(),
  events: z.array(z.looseObject({ event: text, result: text.nullish(), details: text.nullish() })).optional(),
});

const next = z.array(z.looseObject({ rel: text })).optional();

/** The answers, as schemas. */
export const ANSWERS = {
  server: z.looseObject({ server }),
  servers: z.looseObject({ servers: z.array(server), servers_links: next }),
  service: z.looseObject({ service }),
  services: z.looseObject({ services: z.array(service) }),
  migrations: z.looseObject({ migrations: z.array(migration) }),
  action: z.looseObject({ instanceAction: action }),
  actions: z.looseObject({ instanceActions: z.array(action) }),
};

/** True if the service shows where instances are. */
export const showsHosts = (row: z.infer<typeof server>): boolean => row['OS-EXT-SRV-ATTR:host'] !== undefined;

/** A server as the rest of the product knows it. */
export function instanceOf(row: z.infer<typeof server>): Instance {
  return {
    uuid: row.id,
    name: row.name ?? row.id,
    status: row.status,
    vmState: row['OS-EXT-STS:vm_state'] ?? '',
    taskState: row['OS-EXT-STS:task_state'] ?? null,
    host: row['OS-EXT-SRV-ATTR:host'] ?? null,
    fault: row.fault?.message ?? '',
  };
}

/** A service as the rest of the product knows it. */
export function serviceOf(row: z.infer<typeof service>): ComputeService {
  const { id: uuid, host, status, state, forced_down: forcedDown = false } = row;
  const [disabledReason, updatedAt] = [row.disabled_reason ?? null, row.updated_at ?? ''];
  return { uuid, host, status, state, disabledReason, forcedDown, updatedAt };
}

/** A migration as the rest of the product knows it. */
export function migrationOf(row: z.infer<typeof migration>): InstanceMigration {
  const { id, migration_type: type, status, instance_uuid: instance, source_compute: source, dest_compute: dest } = row;
  return { id, type, status, instance, source: source ?? null, dest: dest ?? null };
}

/** An action as the rest of the product knows it. */
export function actionOf(row: z.infer<typeof action>): InstanceAction {
  const failed = (row.events ?? []).filter(({ result }) => result === 'Error');
  const why = failed.map(({ details, event }) => details ?? `${event} failed`).join('; ');
  return { action: row.action, requestId: row.request_id, message: row.message ?? null, why };
}
