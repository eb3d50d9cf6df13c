/** Text from elsewhere, made safe for a terminal. */

/**
 * Text without control characters, but for line ends. Words of a BMC can stand in it, and must not steer a terminal.
 */
export function harmless(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** The same, on one line. */
export function oneLine(text: string): string {
  return harmless(text.trim().replaceAll(/\s*\n\s*/g, ' '));
}
