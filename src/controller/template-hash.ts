/**
 * Names and labels derived from a pod template: the same template always gives the same hash, members in any order. The
 * shape is upstream's (a 32-bit FNV-1a hash in the safe alphabet), the number is not: that one hashes Go's memory layout.
 */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `collisionCount` tells apart templates that happen to share a hash. */
export function templateHash(template: unknown, collisionCount = 0): string {
  let hash = 0x811c9dc5;
  const text = canonical(template) + (collisionCount === 0 ? '' : String(collisionCount));
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  let encoded = '';
  for (const digit of String(hash >>> 0)) encoded += alphabet[digit.charCodeAt(0) % alphabet.length];
  return encoded;
}

/** JSON with sorted members, without empty ones. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
  members.sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
