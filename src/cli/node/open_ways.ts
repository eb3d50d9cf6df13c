/** What a driver_info lets others read on the way to the BMC. The command warns about it on stderr. */
import type { Call } from '../shared/asking.ts';

/** For each key that opens the way, a sentence. */
export function openWays(info: Readonly<Record<string, string>>): string[] {
  return Object.entries(info).flatMap(([key, value]) => {
    if (key.endsWith('_verify_ca') && value === 'false')
      return [
        `${key}=false: the certificate of the BMC is not checked, so whoever stands in between can read the password`,
      ];
    const isPlain = (key.endsWith('_protocol') && value === 'http') || /^http:\/\//i.test(value);
    return isPlain ? [`${key}: http is not encrypted, so everybody on the way can read the password`] : [];
  });
}

/** Warns on stderr. */
export function warnOfOpenWays(info: Readonly<Record<string, string>>, { stderr, output }: Call): void {
  for (const message of openWays(info))
    stderr.write(output.json ? `${JSON.stringify({ warning: { message } })}\n` : `warning: ${message}\n`);
}
