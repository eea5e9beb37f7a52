/**
 * Constraints over the devices of one claim: all share the value of an attribute, or no two do. Each is told of every
 * device that is tried and taken back again.
 * @see staging/src/k8s.io/dynamic-resource-allocation/structured (matchAttributeConstraint, distinctAttributeConstraint)
 */
import type { Device, DeviceConstraint } from '../../api/index.ts';
import type { DeviceEntry } from './inventory.ts';

type DeviceAttribute = NonNullable<Device['attributes']>[string];

export interface Constraint {
  /** False when the device must not join those added before. */
  add(request: string, subRequest: string | undefined, entry: DeviceEntry): boolean;
  /** Takes back a successful {@link add}. */
  remove(request: string, subRequest: string | undefined, entry: DeviceEntry): void;
}

/** The value of a fully qualified attribute; the driver's own attributes may lack its name. */
function attributeOf({ device, driver }: DeviceEntry, name: string): DeviceAttribute | undefined {
  const attributes: NonNullable<Device['attributes']> = device.attributes ?? {};
  if (attributes[name]) return attributes[name];
  const at = name.indexOf('/');
  return at >= 0 && name.slice(0, at) === driver ? attributes[name.slice(at + 1)] : undefined;
}

/** Kind and value as text; undefined for a kind that cannot be compared. */
function comparable(attribute: DeviceAttribute | undefined): string | undefined {
  if (attribute?.string !== undefined) return `s${attribute.string}`;
  if (attribute?.int !== undefined) return `i${attribute.int}`;
  if (attribute?.bool !== undefined) return `b${attribute.bool}`;
  return attribute?.version === undefined ? undefined : `v${attribute.version}`;
}

function concerns(requests: readonly string[]): (request: string, subRequest: string | undefined) => boolean {
  if (requests.length === 0) return () => true;
  const names = new Set(requests);
  return (request, subRequest) =>
    names.has(request) || (subRequest !== undefined && names.has(`${request}/${subRequest}`));
}

/** Undefined for a kind of constraint that is not known. */
export function constraintOf({
  requests = [],
  matchAttribute,
  distinctAttribute,
}: DeviceConstraint): Constraint | undefined {
  const name = matchAttribute ?? distinctAttribute;
  if (name === undefined) return undefined;
  const applies = concerns(requests);
  const counts = new Map<string, number>();
  return {
    add(request, subRequest, entry) {
      if (!applies(request, subRequest)) return true;
      const value = comparable(attributeOf(entry, name));
      if (value === undefined) return false;
      const others = counts.size > 0;
      if (matchAttribute !== undefined ? others && !counts.has(value) : counts.has(value)) return false;
      counts.set(value, (counts.get(value) ?? 0) + 1);
      return true;
    },
    remove(request, subRequest, entry) {
      if (!applies(request, subRequest)) return;
      const value = comparable(attributeOf(entry, name))!;
      const count = (counts.get(value) ?? 0) - 1;
      if (count > 0) counts.set(value, count);
      else counts.delete(value);
    },
  };
}
