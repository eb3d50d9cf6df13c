/** Notifications as a Nova sends them, for tests. */

/** What is said of one notification; the rest is usual. */
export interface Said {
  readonly id?: string;
  readonly type: string;
  readonly publisher?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  /** The request id that an order of ours had. */
  readonly asked?: string;
  readonly more?: Readonly<Record<string, unknown>>;
}

const objectOf = (name: string, data: object) => ({
  'nova_object.name': name,
  'nova_object.namespace': 'nova',
  'nova_object.version': '1.0',
  'nova_object.data': data,
});

/** The message inside of the envelope. */
export function messageOf({ id = 'm-1', type, publisher = 'nova-compute:cmp1', data = {}, asked, more }: Said): object {
  return {
    message_id: id,
    publisher_id: publisher,
    event_type: type,
    priority: 'INFO',
    payload: objectOf('SomePayload', data),
    timestamp: '2026-01-02 03:04:00.000000',
    _unique_id: `u-${id}`,
    _context_request_id: 'req-0a0a0a0a-0000-4000-8000-000000000000',
    _context_global_request_id: asked ?? null,
    _context_auth_token: 'a-token',
    ...more,
  };
}

/** The body of the message, in its envelope. */
export const bodyOf = (said: Said): Buffer =>
  Buffer.from(JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(messageOf(said)) }));

/** What `instance.update` has of a change from one vm_state to another. */
export const updated = (before: string, state: string): object => ({
  state_update: objectOf('InstanceStateUpdatePayload', { old_state: before, state }),
});
