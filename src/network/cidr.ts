/**
 * IPv4 and IPv6 ranges and the pool of addresses that one node gives its pods from. Pure but for the pool, which its owner
 * alone changes.
 */
import { isIP, isIPv4 } from 'node:net';

export interface Cidr {
  /** First address of the range. */
  readonly base: bigint;
  readonly prefix: number;
  readonly family: 4 | 6;
}

/** Parses `10.0.0.0/24` or `fd00::/64`; bits beyond the prefix are cleared. Throws a RangeError that names the text. */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf('/');
  const address = text.slice(0, slash);
  const prefix = Number(text.slice(slash + 1));
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (slash === -1 || family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > bits) {
    throw new RangeError(`"${text}" is not a range of IP addresses such as 10.0.0.0/24`);
  }
  const host = BigInt(bits - prefix);
  return { base: (parseAddress(address) >> host) << host, prefix, family: family === 4 ? 4 : 6 };
}

/** The number of an IP address. Throws a RangeError when the text is none. */
export function parseAddress(text: string): bigint {
  if (isIPv4(text)) return BigInt(text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0));
  if (isIP(text) === 0) throw new RangeError(`"${text}" is not an IP address`);
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted === null ? text : `${dotted[1]}${hexPair(parseAddress(dotted[2]!))}`;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = tail === undefined ? [] : new Array<string>(8 - left.length - right.length).fill('0');
  return [...left, ...middle, ...right].reduce((sum, part) => (sum << 16n) + BigInt(Number.parseInt(part, 16)), 0n);
}

function hexPair(value: bigint): string {
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

/** The text of an address; IPv6 in its canonical form (RFC 5952). */
export function formatAddress(value: bigint, family: 4 | 6): string {
  if (family === 4) {
    const number = Number(value);
    return `${Math.floor(number / 2 ** 24) & 255}.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
  }
  const groups: string[] = [];
  for (let at = 7; at >= 0; at--) groups.push(((value >> BigInt(at * 16)) & 0xffffn).toString(16));
  const text = groups.join(':');
  const zeros = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort(
    (left, right) => right[0].length - left[0].length,
  )[0];
  if (zeros === undefined) return text;
  const before = text.slice(0, zeros.index);
  const after = text.slice(zeros.index + zeros[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

export function contains(cidr: Cidr, address: string): boolean {
  const family = isIP(address);
  if (family !== cidr.family) return false;
  const host = BigInt((cidr.family === 4 ? 32 : 128) - cidr.prefix);
  return (parseAddress(address) >> host) << host === cidr.base;
}

export function formatCidr({ base, prefix, family }: Cidr): string {
  return `${formatAddress(base, family)}/${prefix}`;
}

/** The `index`-th block of `prefix` bits in `cluster`, such as the pod range of the index-th node; undefined past its end. */
export function subnet(cluster: Cidr, prefix: number, index: number): Cidr | undefined {
  const bits = cluster.family === 4 ? 32 : 128;
  if (index < 0 || BigInt(index) >= 1n << BigInt(prefix - cluster.prefix)) return undefined;
  return { base: cluster.base + (BigInt(index) << BigInt(bits - prefix)), prefix, family: cluster.family };
}

/**
 * Addresses of one range, given in turn so that a released one rests as long as possible. The first two (network, gateway)
 * and in IPv4 the last (broadcast) are never given. Memory grows with the addresses in use, not with the range.
 */
export class AddressPool {
  readonly #cidr: Cidr;
  readonly #size: number;
  readonly #used = new Set<number>();
  #cursor = 0;

  constructor(cidr: Cidr) {
    this.#cidr = cidr;
    const bits = (cidr.family === 4 ? 32 : 128) - cidr.prefix;
    const reserved = cidr.family === 4 ? 3 : 2;
    this.#size = Math.max(0, bits >= 31 ? 2 ** 31 : 2 ** bits - reserved);
  }

  /** The next free address, or undefined when all are in use. */
  allocate(): string | undefined {
    if (this.#used.size >= this.#size) return undefined;
    while (this.#used.has(this.#cursor)) this.#cursor = (this.#cursor + 1) % this.#size;
    const offset = this.#cursor;
    this.#used.add(offset);
    this.#cursor = (offset + 1) % this.#size;
    return formatAddress(this.#cidr.base + BigInt(offset + 2), this.#cidr.family);
  }

  /** Marks an address as in use; one outside the range is ignored. */
  reserve(address: string): void {
    const offset = this.#offset(address);
    if (offset !== undefined) this.#used.add(offset);
  }

  release(address: string): void {
    const offset = this.#offset(address);
    if (offset !== undefined) this.#used.delete(offset);
  }

  #offset(address: string): number | undefined {
    if (!contains(this.#cidr, address)) return undefined;
    const offset = Number(parseAddress(address) - this.#cidr.base) - 2;
    return offset >= 0 && offset < this.#size ? offset : undefined;
  }
}

/** The pools of a node whose pods have an address of each of its ranges. */
export class AddressPools {
  readonly #pools: readonly AddressPool[];

  /** @throws RangeError for what is no range */
  constructor(cidrs: readonly string[]) {
    this.#pools = cidrs.map((cidr) => new AddressPool(parseCidr(cidr)));
  }

  /** One address of each range, or undefined when one of them has none left. */
  allocate(): readonly string[] | undefined {
    const addresses: string[] = [];
    for (const pool of this.#pools) {
      const address = pool.allocate();
      if (address === undefined) {
        for (const taken of addresses) this.release(taken);
        return undefined;
      }
      addresses.push(address);
    }
    return addresses;
  }

  /** Marks an address as in use; one outside of the ranges is ignored. */
  reserve(address: string): void {
    for (const pool of this.#pools) pool.reserve(address);
  }

  release(address: string): void {
    for (const pool of this.#pools) pool.release(address);
  }
}
