/**
 * IP addresses and ranges. What can be read in two ways (leading zeros, IPv4 inside of IPv6, ranges that begin within) is refused, though not
 * where it is stored already; only newer kinds ask for the one canonical form.
 * @see apimachinery/pkg/util/validation/ip.go
 */
import { isIP } from 'node:net';
import { canonicalAddress } from '../kinds/strategies/address-warnings.ts';
import type { Check, Path, Step } from './check.ts';

/** 4, 6, or 0 for what is not an address; numbers may have leading zeros. */
export function addressFamily(text: string): 0 | 4 | 6 {
  if (text.includes('%')) return 0;
  const family = isIP(/^[\d.]+$/.test(text) ? text.replace(/(^|\.)0+(?=\d)/g, '$1') : text);
  return family === 4 || family === 6 ? family : 0;
}

/** Likewise of a range such as `10.0.0.0/8`. */
export function rangeFamily(text: string): 0 | 4 | 6 {
  const slash = text.lastIndexOf('/');
  const length = text.slice(slash + 1);
  if (slash < 0 || !/^\d+$/.test(length)) return 0;
  const family = addressFamily(text.slice(0, slash));
  return family !== 0 && Number(length) <= (family === 4 ? 32 : 128) ? family : 0;
}

const noAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const noRange = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** An octet that begins with a zero and goes on. */
const zeroLed = /(^|\.)0\d/;
/** IPv4 in the last words of an IPv6 address, in either notation. */
const isMapped = (text: string): boolean => text.includes(':') && !(canonicalAddress(text) ?? ':').includes(':');

/** Whether an address is IPv4 as nearly all are, four numbers without leading zeros: nothing is ever wrong with those. */
function isPlainIPv4(text: string): boolean {
  let dots = 0;
  let number = -1;
  for (let index = 0; index < text.length; index++) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit === -2 && number >= 0) {
      dots++;
      number = -1;
    } else if (digit < 0 || digit > 9 || number === 0) return false;
    else {
      number = number < 0 ? digit : number * 10 + digit;
      if (number > 255) return false;
    }
  }
  return dots === 3 && number >= 0;
}

/** What is wrong with an address that some programs read in another way than others do. */
function addressMessages(text: string): string[] {
  if (isPlainIPv4(text)) return [];
  if (addressFamily(text) === 0 || canonicalAddress(text) === undefined) return [noAddress];
  if (zeroLed.test(text)) return ['must not have leading 0s'];
  return isMapped(text) ? ['must not be an IPv4-mapped IPv6 address'] : [];
}

function rangeMessages(text: string): string[] {
  if (rangeFamily(text) === 0) return [noRange];
  const slash = text.lastIndexOf('/');
  const address = text.slice(0, slash);
  if (zeroLed.test(address) || /^0\d/.test(text.slice(slash + 1)))
    return ['must not have leading 0s in IP or prefix length'];
  if (isMapped(address)) return ['must not have an IPv4-mapped IPv6 address'];
  return hasHostBits(text) ? ['must not have bits set beyond the prefix length'] : [];
}

/** `stored` is what an update finds in the field; it may stay, however it is written. True when nothing is wrong. */
type TextCheck = (check: Check, path: Path, step: Step, text: string, stored?: readonly string[]) => boolean;

function checkOf(messagesOf: (text: string) => string[]): TextCheck {
  return (check, path, step, text, stored = []) => {
    const messages = stored.includes(text) ? [] : messagesOf(text);
    check.all(path, step, text, messages);
    return messages.length === 0;
  };
}

/** @see https://kep.k8s.io/4858 */
export const checkAddress = checkOf(addressMessages);
export const checkRange = checkOf(rangeMessages);

/** What newer kinds say of an address that is not written in the one way to write it. */
export function strictAddressMessages(text: string): string[] {
  const messages = addressMessages(text);
  const canonical = canonicalAddress(text);
  if (messages.length > 0 || canonical === text) return messages;
  return [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** Likewise of a range, which names its first address. */
export function strictRangeMessages(text: string): string[] {
  const messages = rangeMessages(text);
  const slash = text.lastIndexOf('/');
  const canonical = `${canonicalAddress(text.slice(0, slash))}${text.slice(slash)}`;
  if (messages.length > 0 || canonical === text) return messages;
  return [`must be in canonical form (${JSON.stringify(canonical)})`];
}

/** Addresses that endpoints cannot have: unspecified, loopback and link-local ones. */
export function checkNonSpecialAddress(check: Check, path: Path, step: Step, text: string): void {
  if (addressFamily(text) === 0) {
    check.invalid(path, step, text, 'must be a valid IP address');
    return;
  }
  const plain = text.toLowerCase().replace(/^::ffff:(?=[\d.]+$)/, '');
  if (/^(0+\.0+\.0+\.0+|[0:]+)$/.test(plain)) check.invalid(path, step, text, `may not be unspecified (${text})`);
  if (/^0*127\.|^(0+:)*:?:?0*1$/.test(plain)) {
    check.invalid(path, step, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (/^0*169\.254\.|^fe[89ab][0-9a-f]:/.test(plain)) {
    check.invalid(path, step, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (/^0*224\.0+\.0+\.|^ff02:/.test(plain)) {
    check.invalid(path, step, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}

/** True when the first range is a part of the second. */
export function isInside(part: string, whole: string): boolean {
  const [partBits, partLength] = rangeBits(part);
  const [wholeBits, wholeLength] = rangeBits(whole);
  if (partBits.length !== wholeBits.length) return false;
  return wholeLength < partLength && partBits.slice(0, wholeLength) === wholeBits.slice(0, wholeLength);
}

/** True when a range names an address inside it rather than its first. */
export function hasHostBits(range: string): boolean {
  const [bits, length] = rangeBits(range);
  return bits.slice(length).includes('1');
}

function rangeBits(range: string): [bits: string, length: number] {
  const slash = range.lastIndexOf('/');
  const address = range.slice(0, slash);
  const length = Number(range.slice(slash + 1));
  if (addressFamily(address) === 4) {
    const bytes = address.split('.').map(Number);
    return [bytes.map((byte) => byte.toString(2).padStart(8, '0')).join(''), length];
  }
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => '0');
  const words = [...before, ...(tail === undefined ? [] : zeros), ...after];
  return [words.map((word) => Number.parseInt(word, 16).toString(2).padStart(16, '0')).join(''), length];
}
