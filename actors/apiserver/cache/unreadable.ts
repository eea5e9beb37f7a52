/**
 * Values of the store that cannot be read, as they come out of encryption: in place of their bytes stands why. The caches keep
 * them apart from their entries, so that nothing takes them for objects, and reads of them are refused with that reason.
 */
const HEAD = Buffer.from('k8s:unreadable:');
/** With a configuration of encryption values come out opened or with a reason; this one was not even tried. */
const SEALED_HEAD = Buffer.from('k8s:enc:');
const SEALED = 'identity transformer tried to read encrypted data';
const FIRST = HEAD[0];

/** What stands for a value that cannot be read. No object begins like it. */
export function unreadableValue(reason: string): Buffer {
  return Buffer.concat([HEAD, Buffer.from(reason)]);
}

/** Why a value cannot be read; undefined for all others. */
export function reasonUnreadable(value: Uint8Array): string | undefined {
  if (value[0] !== FIRST) return undefined;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (bytes.subarray(0, HEAD.length).equals(HEAD)) return bytes.toString('utf8', HEAD.length);
  return bytes.subarray(0, SEALED_HEAD.length).equals(SEALED_HEAD) ? SEALED : undefined;
}
