/** Headers that may come more than once, each value as it was sent. */
import type { Credentials } from '../call.ts';

type HttpCredentials = Extract<Credentials, { type: 'http' }>;

/**
 * All values of a header, in order. Node.js joins repeated ones with a comma, and a group may have one in its name
 * (`CN=ops, OU=it`): then the lines as they came are looked at. `name` is in lower case.
 */
export function repeatedHeader({ headers, rawHeaders }: HttpCredentials, name: string): string[] {
  const value = headers[name];
  if (value === undefined) return [];
  if (typeof value !== 'string') return [...value];
  if (!value.includes(', ')) return [value];
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === name) values.push(rawHeaders[at + 1] as string);
  }
  return values;
}
