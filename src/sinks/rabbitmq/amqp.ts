/** The client of AMQP 0-9-1, in a file of its own so that it is loaded when the first broker is spoken to. */
export { connect } from 'amqplib';
