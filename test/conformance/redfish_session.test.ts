import { redfishConforms } from './redfish.ts';

redfishConforms(
  'with a session and a list in ActionInfo',
  { redfish_auth_type: 'session' },
  { listing: 'action-info', sessionWithoutLocation: true },
);
