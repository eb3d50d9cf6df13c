import { TEST_REST_MS } from '../counterparts/irmc_driver.ts';
import { irmcConforms } from './irmc.ts';

irmcConforms({
  name: 'over IPMI, Digest, error 5 on tight sequences',
  info: { irmc_auth_method: 'digest' },
  snmp: false,
  faults: { busyMs: TEST_REST_MS / 2 },
  lanOff: false,
});
