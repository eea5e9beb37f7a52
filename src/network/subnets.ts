/**
 * Cuts a network into subnets of equal size and hands them out in order, starting over where it stopped. The controller that
 * gives nodes their pod networks calls it.
 *
 * Worked example: 10.244.0.0/16 in subnets of /24 gives 10.244.0.0/24, 10.244.1.0/24, … 10.244.255.0/24; fd00::/48 in
 * subnets of /64 gives fd00::/64, fd00:0:0:1::/64, … fd00:0:0:ffff::/64.
 *
 * @see kubernetes/pkg/controller/nodeipam/ipam/cidrset/cidr_set.go
 */
import { type Cidr, formatAddress, parseCidr } from './cidr.ts';

/** More subnets of an IPv6 network than 2 to this are not kept account of. */
const bitsMax = 16;

export class SubnetAllocator {
  readonly #network: Cidr;
  readonly #count: number;
  readonly #maskSize: number;
  readonly #shift: bigint;
  readonly #used = new Set<number>();
  #next = 0;
  #passed = 0;

  /** @throws Error when `cidr` is no network, or the subnets do not fit in it, or would be too many */
  constructor(cidr: string, maskSize: number) {
    this.#network = parseCidr(cidr);
    const { family, prefix } = this.#network;
    const size = family === 4 ? 32 : 128;
    if (maskSize < prefix || maskSize > size) throw new Error(`subnets of /${maskSize} do not fit in ${cidr}`);
    if (family === 6 && maskSize - prefix > bitsMax) {
      throw new Error(
        `New CIDR set failed; the node CIDR size is too big: ${cidr} has more than 2^${bitsMax} subnets of /${maskSize}`,
      );
    }
    this.#count = 2 ** (maskSize - prefix);
    this.#maskSize = maskSize;
    this.#shift = BigInt(size - maskSize);
  }

  /** The network that is cut. */
  get cidr(): string {
    const { base, family, prefix } = this.#network;
    return `${formatAddress(base, family)}/${prefix}`;
  }

  /** How many subnets there are. */
  get size(): number {
    return this.#count;
  }

  /** How many of them are taken. */
  get used(): number {
    return this.#used.size;
  }

  /** How many that were taken the last allocation passed by. */
  get passed(): number {
    return this.#passed;
  }

  /** Undefined when all are taken. */
  allocate(): string | undefined {
    if (this.#used.size >= this.#count) return undefined;
    this.#passed = 0;
    while (this.#used.has(this.#next)) {
      this.#next = (this.#next + 1) % this.#count;
      this.#passed += 1;
    }
    const index = this.#next;
    this.#used.add(index);
    this.#next = (index + 1) % this.#count;
    const { base, family } = this.#network;
    return `${formatAddress(base + (BigInt(index) << this.#shift), family)}/${this.#maskSize}`;
  }

  /** Marks all subnets that someone has a part of already; networks outside this one are ignored. */
  occupy(cidr: string): void {
    for (const index of this.#within(cidr)) this.#used.add(index);
  }

  release(cidr: string): void {
    for (const index of this.#within(cidr)) this.#used.delete(index);
  }

  /** The subnets that the network covers or lies in. */
  *#within(text: string): Iterable<number> {
    const { base, prefix, family } = parseCidr(text);
    if (family !== this.#network.family) return;
    const first = Number((base - this.#network.base) >> this.#shift);
    const count = 2 ** Math.max(0, this.#maskSize - prefix);
    for (let index = Math.max(0, first); index < Math.min(first + count, this.#count); index++) yield index;
  }
}
