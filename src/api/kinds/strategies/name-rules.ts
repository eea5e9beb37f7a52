/** Rules for the names of objects that differ from the usual DNS subdomain. Each returns upstream's messages; none: the name is fine. */

/**
 * Anything that can stand alone in a path.
 * @see apimachinery/pkg/api/validation/path/name.go
 */
export function pathSegmentName(name: string, prefix: boolean): string[] {
  const messages: string[] = [];
  if (!prefix && name === '.') return [`may not be '.'`];
  if (!prefix && name === '..') return [`may not be '..'`];
  if (name.includes('/')) messages.push(`may not contain '/'`);
  if (name.includes('%')) messages.push(`may not contain '%'`);
  return messages;
}
