/** Values of driver_info that are secret, that stand for secrets, and that are no values at all. */

/** What stands for a secret that the agent reads. The conductor never has what it stands for. */
const REFERENCE = /^(file|env|vault):/;

/** True for a value that stands for a secret beside the agent. Such a value is no secret. */
export const isReference = (value: string): boolean => REFERENCE.test(value);

/** Keys that hold secrets whatever their driver says, or if nothing is known of it. */
const LOOKS_SECRET = /pass|secret|key|token|community|credential/i;

/** True for a key of driver_info whose name says that its value is a secret. */
export const looksSecret = (key: string): boolean => LOOKS_SECRET.test(key);

/** The key of driver_info under which a stored text stands that does not open. No driver has it. */
export const UNOPENED = 'unopened';
