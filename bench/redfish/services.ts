/**
 * Simulated Redfish services in a process of their own, so that what they cost is not counted as a client's. Arguments: how many, and
 * the files of a key and its certificate. Says where they are, and how many connections were opened, when it is asked.
 */
import { readFileSync } from 'node:fs';
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { QUICK_HOST, SimHost } from '../../src/sim/host.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { HEALTHY_REDFISH } from '../../src/sim/redfish/faults.ts';
import { listenAllRedfish } from '../../src/sim/redfish/fleet.ts';
import { SimRedfish } from '../../src/sim/redfish/sim_redfish.ts';
import type { Asked, Said } from './fleet.ts';

const [count = '1', key = '', cert = ''] = process.argv.slice(2);
const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
const login = { username: 'admin', password: 'secret' };

const all = Array.from({ length: Number(count) }, () => {
  const host = new SimHost('power on', QUICK_HOST, systemClock);
  const systems = [{ id: '1', host, uuid: systemChance.uuid(), hasReset: true }];
  return new SimRedfish({ systems, login, clock: systemClock, chance: systemChance, tree: null });
});
const { services } = await listenAllRedfish(all, { address: ownAddress(), firstPort: 0, tls });
const say = (said: Said): void => void process.send?.(said);

process.on('message', ({ hung }: Asked) => {
  for (const [at, redfish] of all.entries())
    redfish.faults = { ...HEALTHY_REDFISH, pages: at < hung ? 'stalls' : 'none' };
  say({ connections: services.reduce((sum, service) => sum + service.connections(), 0) });
});
// Whoever has started it is gone.
process.once('disconnect', () => process.exit());
say({ places: services.map(({ address, port }) => `${address}:${port}`) });
