/** URLs in configurations: they are written into logs, so they carry no user and no password. */

/** True for an http or https URL without a user and without a password. */
export function isOpenUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}
