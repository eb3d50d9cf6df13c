/** What an agent says of itself, checked before it is believed: the zones, drivers and texts that it brings have limits. */
import { failAt } from '../../core/errors.ts';
import { AGENT_LIMITS, exceeded, type LimitRow, SENT_LIMITS } from '../../core/limits.ts';
import type { AttachRequest, Hello } from '../../gen/countermand/v1/agent.ts';

type FromAgent = NonNullable<AttachRequest['message']>;

/** @throws ARGUMENT_INVALID naming the place, if the first message of an agent is not a hello within its limits */
export function checkHello(message: FromAgent | undefined): Hello {
  if (message?.$case !== 'hello') throw failAt('ARGUMENT_INVALID', 'hello', 'the first message of an agent is a hello');
  const { agentUuid, name, zones, drivers } = message.value;
  checkText(agentUuid, 'hello.agent_uuid');
  checkText(name, 'hello.name');
  if (zones.length === 0)
    throw failAt('ARGUMENT_INVALID', 'hello.zones', 'hello.zones is empty; an agent reaches at least one zone');
  if (drivers.length === 0)
    throw failAt('ARGUMENT_INVALID', 'hello.drivers', 'hello.drivers is empty; an agent has at least one driver');
  atMost(AGENT_LIMITS.zones, 'hello.zones', zones.length);
  atMost(AGENT_LIMITS.drivers, 'hello.drivers', drivers.length);
  atMost(AGENT_LIMITS.zone_drivers, 'hello.zones times hello.drivers', zones.length * drivers.length);
  for (const [at, zone] of zones.entries()) checkText(zone, `hello.zones[${at}]`);
  for (const [at, driver] of drivers.entries()) {
    checkText(driver.name, `hello.drivers[${at}].name`);
    atMost(AGENT_LIMITS.driver_schema, `hello.drivers[${at}].driver_info_schema`, driver.driverInfoSchema.length);
  }
  return message.value;
}

function checkText(text: string, place: string): void {
  if (text === '' || /\p{Cc}/u.test(text))
    throw failAt('ARGUMENT_INVALID', place, `${place} is empty, or has a control character`);
  atMost(SENT_LIMITS.name, place, text.length);
}

function atMost(row: LimitRow, place: string, found: number): void {
  if (found > row.limit) throw exceeded(row, place, found);
}
