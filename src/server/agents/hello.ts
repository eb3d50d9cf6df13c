/** What an agent says of itself, checked before it is believed: the zones, drivers and texts that it brings have limits. */
import { failAt } from '../../core/errors.ts';
import { AGENT_LIMITS, exceeded } from '../../core/limits.ts';
import type { AttachRequest, Hello } from '../../gen/countermand/v1/agent.ts';
import { boundHello } from './bounds.ts';

type FromAgent = NonNullable<AttachRequest['message']>;

/** @throws ARGUMENT_INVALID naming the place, if the first message of an agent is not a hello within its limits */
export function checkHello(message: FromAgent | undefined): Hello {
  if (message?.$case !== 'hello') throw failAt('ARGUMENT_INVALID', 'hello', 'the first message of an agent is a hello');
  const hello = boundHello(message.value);
  const { agentUuid, name, zones, drivers } = hello;
  checkText(agentUuid, 'hello.agent_uuid');
  checkText(name, 'hello.name');
  if (zones.length === 0)
    throw failAt('ARGUMENT_INVALID', 'hello.zones', 'hello.zones is empty; an agent reaches at least one zone');
  if (drivers.length === 0)
    throw failAt('ARGUMENT_INVALID', 'hello.drivers', 'hello.drivers is empty; an agent has at least one driver');
  const pairs = zones.length * drivers.length;
  if (pairs > AGENT_LIMITS.zone_drivers.limit)
    throw exceeded(AGENT_LIMITS.zone_drivers, 'hello.zones times hello.drivers', pairs);
  for (const [at, zone] of zones.entries()) checkText(zone, `hello.zones[${at}]`);
  for (const [at, driver] of drivers.entries()) checkText(driver.name, `hello.drivers[${at}].name`);
  return hello;
}

function checkText(text: string, place: string): void {
  if (text === '' || /\p{Cc}/u.test(text))
    throw failAt('ARGUMENT_INVALID', place, `${place} is empty, or has a control character`);
}
