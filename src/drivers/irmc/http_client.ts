/** The client for HTTP, in a file of its own so that it is loaded when the first iRMC is spoken to. */
export { Client } from 'undici';
