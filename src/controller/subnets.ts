/**
 * Cuts an IPv4 network into subnets of equal size and hands them out in order, starting over where it stopped.
 *
 * Worked example: 10.244.0.0/16 in subnets of /24 gives 10.244.0.0/24, 10.244.1.0/24, … 10.244.255.0/24.
 */
export class SubnetAllocator {
  readonly #base: number;
  readonly #bits: number;
  readonly #maskSize: number;
  readonly #used = new Set<number>();
  #next = 0;

  /** @throws Error when `cidr` is no IPv4 network or the subnets do not fit in it */
  constructor(cidr: string, maskSize: number) {
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
    if (match === null) throw new Error(`"${cidr}" is not an IPv4 network such as 10.244.0.0/16`);
    const [first = 0, second = 0, third = 0, fourth = 0, prefix = 0] = match.slice(1).map(Number);
    if (maskSize < prefix || maskSize > 32) throw new Error(`subnets of /${maskSize} do not fit in ${cidr}`);
    this.#base = ((first * 256 + second) * 256 + third) * 256 + fourth;
    this.#bits = maskSize - prefix;
    this.#maskSize = maskSize;
  }

  /** Undefined when all are taken. */
  allocate(): string | undefined {
    const count = 2 ** this.#bits;
    if (this.#used.size >= count) return undefined;
    while (this.#used.has(this.#next)) this.#next = (this.#next + 1) % count;
    const index = this.#next;
    this.#used.add(index);
    this.#next = (index + 1) % count;
    return this.#text(index);
  }

  /** Marks a subnet that someone has already; others than this network's are ignored. */
  occupy(cidr: string): void {
    const index = this.#indexOf(cidr);
    if (index !== undefined) this.#used.add(index);
  }

  release(cidr: string): void {
    const index = this.#indexOf(cidr);
    if (index !== undefined) this.#used.delete(index);
  }

  #text(index: number): string {
    const address = this.#base + index * 2 ** (32 - this.#maskSize);
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
    return `${octets.join('.')}/${this.#maskSize}`;
  }

  #indexOf(cidr: string): number | undefined {
    const octets = (cidr.split('/')[0] ?? '').split('.').map(Number);
    if (octets.length !== 4) return undefined;
    const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
    const index = Math.floor((address - this.#base) / 2 ** (32 - this.#maskSize));
    return index >= 0 && index < 2 ** this.#bits ? index : undefined;
  }
}
