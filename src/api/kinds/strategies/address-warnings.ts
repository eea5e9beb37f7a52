/**
 * Warnings for IP addresses and ranges that are accepted in a form that a future release may refuse: leading zeros, IPv4 mapped to IPv6,
 * IPv6 that is not in its canonical form, and ranges whose address has bits beyond the prefix.
 * @see apimachinery/pkg/util/validation/ip.go
 */

/** Warnings for the address at `path`; none for what is no address at all, which validation refuses. */
export function addressWarnings(path: string, address: string): string[] {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return [];
  if (isDoubtful(address)) {
    return [
      `${path}: non-standard IP address "${address}" will be considered invalid in a future Kubernetes release: use "${canonical}"`,
    ];
  }
  if (canonical !== address) {
    return [`${path}: IPv6 address "${address}" should be in RFC 5952 canonical format ("${canonical}")`];
  }
  return [];
}

/** Warnings for the range at `path`; none for what is no range at all. */
export function cidrWarnings(path: string, cidr: string): string[] {
  const slash = cidr.indexOf('/');
  const address = cidr.slice(0, slash);
  const prefix = cidr.slice(slash + 1);
  const canonical = slash < 0 ? undefined : canonicalAddress(address);
  if (canonical === undefined || !/^[0-9]+$/.test(prefix)) return [];
  const masked = mask(canonical, Number(prefix));
  const network = masked === undefined ? undefined : `${masked}/${Number(prefix)}`;
  if (network === undefined) return [];
  if (isDoubtful(address) || String(Number(prefix)) !== prefix) {
    return [
      `${path}: non-standard CIDR value "${cidr}" will be considered invalid in a future Kubernetes release: use "${network}"`,
    ];
  }
  if (masked !== canonical) {
    return [
      `${path}: CIDR value "${cidr}" is ambiguous in this context (should be "${network}" or "${canonical}/${canonical.includes(':') ? 128 : 32}"?)`,
    ];
  }
  if (canonical !== address)
    return [`${path}: IPv6 CIDR value "${cidr}" should be in RFC 5952 canonical format ("${network}")`];
  return [];
}

/** True of addresses that newer parsers refuse or read otherwise: with leading zeros, or IPv4 inside of IPv6. */
export function isDoubtful(address: string): boolean {
  if (address.includes(':')) return address.includes('.');
  return address.split('.').some((octet) => octet.length > 1 && octet.startsWith('0'));
}

/** The canonical text, undefined of what is no address; octets with leading zeros are read as decimal, as upstream reads them. */
export function canonicalAddress(address: string): string | undefined {
  if (!address.includes(':')) {
    const octets = address.split('.');
    if (octets.length !== 4 || !octets.every((octet) => /^[0-9]+$/.test(octet) && Number(octet) <= 255))
      return undefined;
    return octets.map(Number).join('.');
  }
  const words = ipv6Words(address);
  if (words === undefined) return undefined;
  const mapped = words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff;
  if (mapped) {
    const [high, low] = [words[6] as number, words[7] as number];
    return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  return ipv6Text(words);
}

function ipv6Words(address: string): number[] | undefined {
  let text = address;
  const embedded = /^(.*:)([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)$/.exec(text);
  if (embedded !== null) {
    const v4 = canonicalAddress(embedded[2] as string)
      ?.split('.')
      .map(Number);
    if (v4 === undefined) return undefined;
    const [a, b, c, d] = v4 as [number, number, number, number];
    text = `${embedded[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const parse = (half: string | undefined) => (half ? half.split(':') : []);
  const head = parse(halves[0]);
  const tail = parse(halves[1]);
  if (![...head, ...tail].every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array<string>(missing).fill('0'), ...tail].map((word) => Number.parseInt(word, 16));
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero words (the first of equals) as `::`. */
function ipv6Text(words: readonly number[]): string {
  let best = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && words[end] === 0) end++;
    if (end - start > bestLength) {
      best = start;
      bestLength = end - start;
    }
  }
  const hex = words.map((word) => word.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}

function mask(canonical: string, prefix: number): string | undefined {
  if (!canonical.includes(':')) {
    if (prefix > 32) return undefined;
    return canonical
      .split('.')
      .map((octet, index) => Number(octet) & maskOf(prefix - index * 8, 8))
      .join('.');
  }
  if (prefix > 128) return undefined;
  return ipv6Text((ipv6Words(canonical) as number[]).map((word, index) => word & maskOf(prefix - index * 16, 16)));
}

function maskOf(bits: number, width: number): number {
  const kept = Math.max(0, Math.min(width, bits));
  return ((1 << width) - 1) & ~((1 << (width - kept)) - 1);
}
