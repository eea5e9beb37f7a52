/** Names by which a claim's constraints, configuration and results refer to its requests: `request` or `request/alternative`. */
import type { DeviceClaim } from '../generated/types.ts';
import type { Check, Path } from './check.ts';

export const requestsMax = 32;

/** The names of a claim's requests, each with those of its alternatives. */
export type RequestNames = ReadonlyMap<string, ReadonlySet<string>>;

export function requestNamesOf(claim: DeviceClaim | undefined): RequestNames {
  return new Map(
    claim?.requests?.map(({ name, firstAvailable = [] }) => [
      name ?? '',
      new Set(firstAvailable.map((one) => one.name)),
    ]),
  );
}

const message = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

export function checkRequestReference(check: Check, path: Path, name: string, names: RequestNames): void {
  const parts = name.split('/');
  if (parts.length > 2) {
    check.invalid(path, '', name, message);
    return;
  }
  for (const part of parts) check.dnsLabel(path, '', part);
  const [request = '', alternative] = parts;
  const alternatives = names.get(request);
  if (alternatives === undefined || (alternative !== undefined && !alternatives.has(alternative)))
    check.invalid(path, '', name, message);
}
