/** Checks of single fields of a configuration. Each throws a {@link ConfigurationError} that names the field. */

/** What is wrong in a configuration, and where. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

export type Data = Record<string, unknown>;

const isData = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value);

export function expectData(value: unknown, path: string): Data {
  if (value === undefined || value === null) return {};
  if (!isData(value)) throw new ConfigurationError(`${path}: must be an object`);
  return value;
}

export function expectList(value: unknown, path: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new ConfigurationError(`${path}: must be a list`);
  return value;
}

/** An integer within bounds; `problem` says what is wrong with one that is not, as upstream does. */
export function expectInteger(
  value: unknown,
  path: string,
  least: number,
  most: number,
  problem = `must be an integer from ${least} to ${most}`,
): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new ConfigurationError(`${path}: Invalid value: ${JSON.stringify(value)}: ${problem}`);
  }
  return value as number;
}

export function expectText(value: unknown, path: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new ConfigurationError(`${path}: must be a string`);
  return value;
}

export function expectFlag(value: unknown, path: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw new ConfigurationError(`${path}: must be true or false`);
  return value;
}

const units: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 0.001,
  µs: 0.001,
  ns: 1e-6,
};

/** Go's duration text (`1m30s`) in milliseconds. */
export function expectDurationMs(value: unknown, path: string): number | undefined {
  const text = expectText(value, path);
  if (text === undefined) return undefined;
  if (text === '0') return 0;
  let total = 0;
  let rest = text;
  while (rest !== '') {
    const match = /^(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/.exec(rest);
    if (!match)
      throw new ConfigurationError(`${path}: Invalid value: ${JSON.stringify(text)}: is no duration such as 1m30s`);
    total += Number(match[1]) * units[match[2]!]!;
    rest = rest.slice(match[0].length);
  }
  return total;
}

export function refuseUnknown(data: Data, known: readonly string[], path: string): void {
  for (const key of Object.keys(data)) {
    if (known.includes(key)) continue;
    throw new ConfigurationError(`strict decoding error: unknown field "${path === '' ? '' : `${path}.`}${key}"`);
  }
}
