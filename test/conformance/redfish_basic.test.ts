import { redfishConforms } from './redfish.ts';

redfishConforms('with Basic and a list in line', {});
