/**
 * Hashes for names and labels: of a pod template (Deployments, DaemonSets, StatefulSets name what they make by it) and of any
 * value. Stable: the same content in any key order gives the same hash.
 */
import { goEscapedJson } from './go-text.ts';

/** Letters and digits that cannot spell words, which upstream's generated names are made of. */
export const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** FNV-1a, 32 bit, of the text's UTF-16 units. */
export function fnv1a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) {
    hash ^= text.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}

/** Each decimal digit or letter mapped into the safe alphabet. */
export function safeEncode(text: string): string {
  let encoded = '';
  for (let index = 0; index < text.length; index += 1) {
    encoded += safeAlphabet[text.charCodeAt(index) % safeAlphabet.length];
  }
  return encoded;
}

/** JSON with the keys of every object sorted and undefined members left out. */
export function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const record = value as Record<string, unknown>;
  const members = Object.keys(record)
    .filter((key) => record[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${stableJson(record[key])}`);
  return `{${members.join(',')}}`;
}

/**
 * The hash that stands in `pod-template-hash` and in generated names, up to ten characters.
 * @param collisionCount counts up when a name with the hash was taken by another template
 */
export function templateHash(template: unknown, collisionCount?: number): string {
  let hash = fnv1a(stableJson(template));
  if (collisionCount !== undefined) hash = fnv1a(String(collisionCount), hash);
  return safeEncode(String(hash));
}

/** FNV-1, 32 bit, of bytes: the older order of the two steps. */
function fnv1(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}

/**
 * The hash in the name of a ControllerRevision, the same as upstream's for the same data.
 * @param data what the revision stores
 * @see kubernetes/pkg/controller/history/controller_history.go
 */
export function revisionHash(data: unknown, collisionCount: number): string {
  return safeEncode(String(fnv1(Buffer.from(`${goEscapedJson(stableJson(data))}${collisionCount}`))));
}
