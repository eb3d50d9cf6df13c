import { irmcConforms } from './irmc.ts';

irmcConforms({ name: 'over SNMP', info: {}, snmp: true, faults: {}, lanOff: false });
