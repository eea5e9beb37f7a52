/** IPv4 addresses and ranges as numbers, for the service address allocator. */

export interface Ipv4Range {
  /** The range as written, such as `10.96.0.0/16`. */
  readonly cidr: string;
  /** First address that may be handed out: the one after the network's own. */
  readonly first: number;
  /** Addresses that may be handed out: all but the network's own and the broadcast address. */
  readonly size: number;
}

export function ipv4ToNumber(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (parts === null) return undefined;
  let value = 0;
  for (const part of parts.slice(1)) {
    if (Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

export function numberToIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** @throws RangeError for what is not an IPv4 range with room for at least two services. */
export function ipv4Range(cidr: string): Ipv4Range {
  const [address = '', bitsText = ''] = cidr.split('/');
  const base = ipv4ToNumber(address);
  const bits = Number(bitsText);
  if (base === undefined || !/^\d+$/.test(bitsText) || bits > 30) {
    throw new RangeError(
      `${JSON.stringify(cidr)} is not an IPv4 service range: write it like 10.96.0.0/16, /30 or larger`,
    );
  }
  const total = 2 ** (32 - bits);
  const network = Math.floor(base / total) * total;
  return { cidr, first: network + 1, size: total - 2 };
}
