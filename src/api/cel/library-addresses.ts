/**
 * IP addresses and networks.
 * @see k8s.io/apiserver/pkg/cel/library/ip.go, cidr.go
 */
import { isIP } from 'node:net';
import { type Row, row } from './functions.ts';
import { CelError, Opaque } from './values.ts';

type Family = 4 | 6;

class IpValue extends Opaque {
  override readonly typeName = 'net.IP';
  readonly family: Family;
  readonly bits: bigint;

  constructor(family: Family, bits: bigint) {
    super();
    this.family = family;
    this.bits = bits;
  }

  override equals(other: unknown): boolean {
    return other instanceof IpValue && other.family === this.family && other.bits === this.bits;
  }

  override toString(): string {
    return this.family === 4 ? text4(this.bits) : text6(this.bits);
  }
}

class CidrValue extends Opaque {
  override readonly typeName = 'net.CIDR';
  readonly ip: IpValue;
  readonly length: number;

  constructor(ip: IpValue, length: number) {
    super();
    this.ip = ip;
    this.length = length;
  }

  override equals(other: unknown): boolean {
    return other instanceof CidrValue && other.ip.equals(this.ip) && other.length === this.length;
  }

  override toString(): string {
    return `${this.ip}/${this.length}`;
  }

  contains({ family, bits }: IpValue): boolean {
    const shift = BigInt(widthOf(family) - this.length);
    return family === this.ip.family && bits >> shift === this.ip.bits >> shift;
  }

  masked(): CidrValue {
    const shift = BigInt(widthOf(this.ip.family) - this.length);
    return new CidrValue(new IpValue(this.ip.family, (this.ip.bits >> shift) << shift), this.length);
  }
}

const widthOf = (family: Family): number => (family === 4 ? 32 : 128);

function text4(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
}

/** The longest run of zeros is left out, as RFC 5952 has it. */
function text6(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, at) => Number((bits >> BigInt(112 - 16 * at)) & 0xffffn));
  let best = { from: -1, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const hex = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.from < 0) return hex(groups);
  return `${hex(groups.slice(0, best.from))}::${hex(groups.slice(best.from + best.length))}`;
}

/** Addresses with a zone, or IPv4 inside IPv6, are refused. @throws CelError */
function parseIp(text: string): IpValue {
  const family = isIP(text);
  const quoted = JSON.stringify(text);
  if (family === 0 || text.includes('%')) {
    if (family === 6) throw new CelError(`IP address ${quoted} with zone value is not allowed`);
    throw new CelError(
      `IP Address ${quoted} parse error during conversion from string: ParseAddr(${quoted}): unable to parse IP`,
    );
  }
  if (family === 4)
    return new IpValue(
      4,
      text.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n),
    );
  const bits = parse6(text);
  if (bits >> 32n === 0xffffn) throw new CelError(`IPv4-mapped IPv6 address ${quoted} is not allowed`);
  return new IpValue(6, bits);
}

function parse6(text: string): bigint {
  let written = text;
  const dotted = /:(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (dotted !== null) {
    const [a, b, c, d] = dotted.slice(1).map(Number) as [number, number, number, number];
    written = `${text.slice(0, dotted.index)}:${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const [head = '', tail] = written.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const middle = Array<string>(8 - first.length - last.length).fill('0');
  return [...first, ...middle, ...last].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function parseCidr(text: string): CidrValue {
  const quoted = JSON.stringify(text);
  const slash = text.lastIndexOf('/');
  const problem = (what: string): never => {
    throw new CelError(
      `network address parse error during conversion from string: netip.ParsePrefix(${quoted}): ${what}`,
    );
  };
  if (slash < 0) return problem("no '/'");
  const [address, length] = [text.slice(0, slash), text.slice(slash + 1)];
  if (isIP(address) === 0) return problem(`ParseAddr(${JSON.stringify(address)}): unable to parse IP`);
  if (address.includes('%')) return problem('IPv6 zones cannot be present in a prefix');
  const ip = parseIp(address);
  if (!/^(?:0|[1-9]\d{0,2})$/.test(length) || Number(length) > widthOf(ip.family))
    return problem('prefix length out of range');
  return new CidrValue(ip, Number(length));
}

const reads = (parse: (text: string) => unknown) => (text: string) => {
  try {
    parse(text);
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
};

/** Whether the bits lie in the network. */
const within = ({ family, bits }: IpValue, network: string): boolean =>
  parseCidr(network).contains(new IpValue(family, bits));

function isLinkLocalMulticast(ip: IpValue): boolean {
  return ip.family === 4 ? within(ip, '224.0.0.0/24') : ((ip.bits >> 112n) & 0xff0fn) === 0xff02n;
}

function isLinkLocalUnicast(ip: IpValue): boolean {
  return within(ip, ip.family === 4 ? '169.254.0.0/16' : 'fe80::/10');
}

const isLoopback = (ip: IpValue): boolean => (ip.family === 4 ? within(ip, '127.0.0.0/8') : ip.bits === 1n);

function isGlobalUnicast(ip: IpValue): boolean {
  const multicast = within(ip, ip.family === 4 ? '224.0.0.0/4' : 'ff00::/8');
  const broadcast = ip.family === 4 && ip.bits === 0xffffffffn;
  return ip.bits !== 0n && !broadcast && !multicast && !isLoopback(ip) && !isLinkLocalUnicast(ip);
}

export const addressesLibrary: readonly Row[] = [
  row('ip(string): IP', parseIp),
  row('isIP(string): bool', reads(parseIp)),
  row('ip.isCanonical(string): bool', (text: string) => String(parseIp(text)) === text),
  row('IP->family(): int', (ip: IpValue) => BigInt(ip.family)),
  row('IP->isUnspecified(): bool', (ip: IpValue) => ip.bits === 0n),
  row('IP->isLoopback(): bool', isLoopback),
  row('IP->isLinkLocalMulticast(): bool', isLinkLocalMulticast),
  row('IP->isLinkLocalUnicast(): bool', isLinkLocalUnicast),
  row('IP->isGlobalUnicast(): bool', isGlobalUnicast),
  row('cidr(string): CIDR', parseCidr),
  row('isCIDR(string): bool', reads(parseCidr)),
  row('CIDR->containsIP(string): bool', (cidr: CidrValue, text: string) => cidr.contains(parseIp(text))),
  row('CIDR->containsIP(IP): bool', (cidr: CidrValue, ip: IpValue) => cidr.contains(ip)),
  row('CIDR->containsCIDR(string): bool', (cidr: CidrValue, text: string) => containsCidr(cidr, parseCidr(text))),
  row('CIDR->containsCIDR(CIDR): bool', containsCidr),
  row('CIDR->ip(): IP', (cidr: CidrValue) => cidr.ip),
  row('CIDR->prefixLength(): int', (cidr: CidrValue) => BigInt(cidr.length)),
  row('CIDR->masked(): CIDR', (cidr: CidrValue) => cidr.masked()),
];

function containsCidr(cidr: CidrValue, other: CidrValue): boolean {
  return other.length >= cidr.length && cidr.contains(other.masked().ip);
}
