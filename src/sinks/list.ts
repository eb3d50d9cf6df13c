/** The kinds of sinks. A new one is a file beside this one, and a row here. */
import type { SinkKind } from '../core/outlets.ts';
import { overHttps } from './post.ts';
import { rabbitmqKind } from './rabbitmq/rabbitmq.ts';
import { webhookKind } from './webhook.ts';

/** All of them. */
export const SINK_KINDS: readonly SinkKind[] = [webhookKind(overHttps), rabbitmqKind];
