/** The HTTP client, in a file of its own so that it is loaded when the first webhook is called. */
export { Client } from 'undici';
