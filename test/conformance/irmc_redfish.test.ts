import { irmcConforms } from './irmc.ts';

irmcConforms({
  name: 'over Redfish, IPMI over LAN off, a login refused by a page',
  info: {},
  snmp: false,
  faults: { refusesLoginWith: 'page' },
  lanOff: true,
});
