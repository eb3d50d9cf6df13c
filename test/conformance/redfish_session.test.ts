import { redfishConforms } from './redfish.ts';

redfishConforms('with a session and a list in ActionInfo', {
  info: { redfish_auth_type: 'session' },
  faults: { listing: 'action-info', sessionWithoutLocation: true },
});
