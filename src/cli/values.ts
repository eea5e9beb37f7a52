/** Parsers of flag values. Each throws commander's InvalidArgumentError, which names what is allowed; the command exits with 2. */
import { InvalidArgumentError } from 'commander';
import { parseFeatureGates } from '../scheduling/index.ts';

/** A whole number in a range. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`it takes a whole number from ${least} to ${most}.`);
    }
    return value;
  };

export type Threads = 'auto' | 'dedicated' | 'shared' | 'inline' | number;

export function threads(text: string): Threads {
  if (text === 'auto' || text === 'dedicated' || text === 'shared' || text === 'inline') return text;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return Number(text);
  throw new InvalidArgumentError(
    'it takes auto, dedicated, shared, inline, or a number of shared threads from 1 to 64.',
  );
}

/** A range such as 10.96.0.0/16, or one of each family with a comma between. */
export function cidrs(text: string): string {
  const ranges = text.split(',').map((range) => cidr(range.trim()));
  const [first, second] = ranges;
  const isOfBoth = ranges.length === 2 && first?.includes(':') !== second?.includes(':');
  if (ranges.length > 1 && !isOfBoth) {
    throw new InvalidArgumentError(
      'it takes one range, or one of IPv4 and one of IPv6, as in 10.96.0.0/16,fd00:10:96::/112.',
    );
  }
  return ranges.join();
}

function cidr(text: string): string {
  const [address = '', bits = ''] = text.split('/');
  const octets = address.split('.');
  const isV4 = octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) < 256);
  const isV6 = address.includes(':');
  if (!/^\d{1,3}$/.test(bits) || !(isV4 || isV6) || Number(bits) > (isV4 ? 30 : 126)) {
    throw new InvalidArgumentError('it takes an address range such as 10.96.0.0/16.');
  }
  return text;
}

/** Names with commas between them. */
export function names(text: string): readonly string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.includes('')) throw new InvalidArgumentError('it takes names with commas between them.');
  return list;
}

/** Collects an option that may be given several times. */
export const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

/** A time such as 90s, 10m or 1h30m, in milliseconds. */
export function duration(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (units[unit ?? ''] ?? 0), 0);
  if (parts.map(([part]) => part).join('') !== text || !(total > 0))
    throw new InvalidArgumentError('it takes a time such as 90s, 10m or 1h30m.');
  return total;
}

/** Feature gates as upstream's components take them: `Name=true,Other=false`. */
export function featureGates(text: string): Readonly<Record<string, boolean>> {
  try {
    return parseFeatureGates(text);
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`);
  }
}
