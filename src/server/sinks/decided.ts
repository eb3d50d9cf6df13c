/** What is known of a sink before anything is sent: it would never work, whatever its receiver does. */
import { failAt } from '../../core/errors.ts';
import { checkSettings, DeliveryFailure, type OutletParts, type Settings, type SinkKind } from '../../core/outlets.ts';

/** What the settings of sinks may lead to. */
export interface SinkReach {
  /** Settings with what their references stand for. @throws SECRET_UNREADABLE */
  resolve(kind: SinkKind, settings: Settings): Promise<Settings>;
  /** As `OutletParts.objection`, for a kind and its settings as they were given. */
  objectionOf(kind: SinkKind, settings: Settings): OutletParts['objection'];
}

/**
 * Reads what references stand for, and looks at the place that they lead to if that is an IP address. A vault may be away for a
 * while: what it has is asked for when an event is sent. Host names are looked up then too.
 * @throws SINK_INVALID; SECRET_UNREADABLE naming the reference
 */
export async function refuseDecided(kind: SinkKind, settings: Settings, reach: SinkReach): Promise<void> {
  checkSettings(kind, settings);
  const readable = Object.entries(settings).filter(([, value]) => !value.startsWith('vault:'));
  const known: Settings = { ...settings, ...(await reach.resolve(kind, Object.fromEntries(readable))) };
  checkSettings(kind, known);
  try {
    kind.refusePlace(known, reach.objectionOf(kind, settings));
  } catch (thrown) {
    throw thrown instanceof DeliveryFailure ? failAt('SINK_INVALID', 'settings', thrown.message) : thrown;
  }
}
