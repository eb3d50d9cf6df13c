/** The HTTP client, in a file of its own so that it is loaded when the first BMC is spoken to over HTTP. */
export { buildConnector, Client } from 'undici';
