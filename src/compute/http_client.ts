/** The HTTP client, in a file of its own so that it is loaded when the first cloud is spoken to. */
export { Agent, request } from 'undici';
