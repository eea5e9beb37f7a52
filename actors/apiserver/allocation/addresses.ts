/**
 * The addresses that Services may have: those of every ServiceCIDR that is ready, in one or two families, and which of them are
 * taken. Ranges may overlap; an address is taken in all of them.
 * @see pkg/registry/core/service/ipallocator/cidrallocator.go, KEP-1880
 */
import { type Cidr, formatAddress, parseAddress, parseCidr } from '../../../src/network/index.ts';
import type { Random } from '../../../src/runtime/index.ts';
import { type Family, familyOf } from './families.ts';
import { Holders, pickFree } from './pool.ts';

interface Range {
  readonly cidr: Cidr;
  readonly family: Family;
  readonly size: number;
  readonly reserved: number;
}

/** Of a range with more addresses than this, only so many are handed out by chance. */
const SIZE_MAX = 2 ** 48;

/** Neither the network's own address nor, in IPv4, the one for broadcasts is handed out. */
function rangeOf(text: string): Range {
  const cidr = parseCidr(text);
  const bits = (cidr.family === 4 ? 32 : 128) - cidr.prefix;
  const size = Math.max(0, Math.min(2 ** bits - (cidr.family === 4 ? 2 : 1), SIZE_MAX));
  const reserved = size <= 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
  return { cidr, family: cidr.family === 4 ? 'IPv4' : 'IPv6', size, reserved };
}

/** The first address of a range that a Service may have. */
export function firstAddress(cidr: string): string {
  const { base, family } = parseCidr(cidr);
  return formatAddress(base + 1n, family);
}

/** One way to write each address. */
export const canonical = (address: string): string =>
  address.includes(':') ? formatAddress(parseAddress(address), 6) : address;

export class ServiceAddresses {
  readonly #random: Random;
  /** Whether somebody else has written an IPAddress object of this name. */
  readonly #isWritten: (address: string) => boolean;
  readonly #holders = new Holders<string>();
  #ranges: readonly Range[] = [];

  constructor(random: Random, isWritten: (address: string) => boolean) {
    this.#random = random;
    this.#isWritten = isWritten;
  }

  /** @throws RangeError for what is no range of addresses */
  setRanges(cidrs: Iterable<string>): void {
    this.#ranges = [...new Set(cidrs)].map(rangeOf);
  }

  take(address: string): void {
    this.#holders.take(address);
  }

  release(address: string): void {
    this.#holders.release(address);
  }

  /** A free address, not yet taken; undefined when there is none. */
  pick(family: Family): string | undefined {
    for (const range of this.#ranges) {
      if (range.family !== family) continue;
      const { base, family: number } = range.cidr;
      const address = (offset: number) => formatAddress(base + BigInt(offset) + 1n, number);
      const free = pickFree(range, this.#random, (offset) => this.#isTaken(address(offset)));
      if (free !== undefined) return address(free);
    }
    return undefined;
  }

  /** What a dry run shows in place of an address: upstream does not look for a free one either. */
  shownInDryRun(family: Family): string | undefined {
    const range = this.#ranges.find((one) => one.family === family);
    return range === undefined ? undefined : formatAddress(range.cidr.base, range.cidr.family);
  }

  /** Why a Service can't have this address; undefined when it can. */
  refusal(address: string): string | undefined {
    const value = parseAddress(address);
    const family = familyOf(address);
    const isWithin = this.#ranges.some(
      ({ cidr, family: own, size }) => own === family && value > cidr.base && value <= cidr.base + BigInt(size),
    );
    if (!isWithin) return 'the provided network does not match the current range';
    return this.#isTaken(address) ? 'provided IP is already allocated' : undefined;
  }

  #isTaken(address: string): boolean {
    return this.#holders.has(address) || this.#isWritten(address);
  }
}
