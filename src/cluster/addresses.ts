/** The ranges of addresses that a cluster is given, and the families that follow from them. */
import { type Cidr, formatAddress, parseCidr } from '../network/index.ts';
import type { AddressFamily } from '../node/index.ts';
import { type ClusterOptions, ClusterOptionsError } from './options.ts';

export const defaultServiceCidr = '10.96.0.0/16';
export const defaultPodCidr = '10.244.0.0/16';

const split = (text: string): readonly string[] => text.split(',').map((cidr) => cidr.trim());

/** The ranges of Service addresses, one of each family. */
export const serviceRanges = ({ serviceCidr = defaultServiceCidr }: ClusterOptions): readonly string[] =>
  split(serviceCidr);

/** The families that the cluster speaks, its own first. */
export const familiesOf = (options: ClusterOptions): readonly AddressFamily[] =>
  serviceRanges(options).map((cidr) => (cidr.includes(':') ? 'IPv6' : 'IPv4'));

/** The address of the `kubernetes` Service: the first one of the first range. */
export function kubernetesAddress(options: ClusterOptions): string {
  const { base, family } = parseCidr(serviceRanges(options)[0] ?? defaultServiceCidr);
  return formatAddress(base + 1n, family);
}

/** @throws ClusterOptionsError when the ranges cannot be those of a cluster */
export function checkAddresses(options: ClusterOptions): void {
  for (const range of checkRanges('serviceCidr', serviceRanges(options))) {
    const hostBits = (range.family === 4 ? 32 : 128) - range.prefix;
    if (hostBits < 2 || hostBits > (range.family === 4 ? 32 : 64)) {
      throw new ClusterOptionsError(
        'serviceCidr: a range of Services is a /30 or larger in IPv4, and between /64 and /126 in IPv6',
      );
    }
  }
  if (options.podCidr !== undefined) checkRanges('podCidr', split(options.podCidr));
}

function checkRanges(option: string, texts: readonly string[]): readonly Cidr[] {
  const ranges = texts.map((text) => {
    try {
      return parseCidr(text);
    } catch (error) {
      if (error instanceof RangeError) throw new ClusterOptionsError(`${option}: ${error.message}`);
      throw error;
    }
  });
  if (ranges.length > 2 || (ranges.length === 2 && ranges[0]?.family === ranges[1]?.family)) {
    throw new ClusterOptionsError(`${option}: give one range, or one of IPv4 and one of IPv6 with a comma between`);
  }
  return ranges;
}
