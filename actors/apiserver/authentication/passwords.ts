/** Names and passwords of the basic-credentials file, sent with `Authorization: Basic`. Off unless a file is given. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { PasswordOption } from '../options.ts';
import type { Attempt } from './types.ts';

export type PasswordAuthenticator = (encoded: string) => Attempt;

export function createPasswords(passwords: readonly PasswordOption[]): PasswordAuthenticator {
  const users = new Map(passwords.map((entry) => [entry.user, { ...entry, digest: digest(entry.password) }]));
  const nobody = digest('');
  return (encoded) => {
    const text = Buffer.from(encoded, 'base64').toString();
    const colon = text.indexOf(':');
    if (colon < 0) return { error: 'invalid basic credentials' };
    const known = users.get(text.slice(0, colon));
    // A name that nobody has takes as long as a wrong password.
    const same = timingSafeEqual(known?.digest ?? nobody, digest(text.slice(colon + 1)));
    if (known === undefined || !same) return { error: 'invalid username/password combination' };
    return { user: { user: known.user, uid: known.uid, groups: known.groups ?? [] } };
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
