/**
 * Rights of ResourceClaims that go beyond the resource: who allocates devices needs `resourceclaims/binding`, who tells of a
 * driver's devices needs `resourceclaims/driver` of that driver, and access to devices in use needs a namespace that is marked for
 * it. Refusals are errors of fields, as validation's. @see pkg/registry/resource/authorization.go, KEP-5018, KEP-4817
 */
import {
  type ApiObject,
  type FieldError,
  fieldErrors,
  type KindDefinition,
  StatusError,
  semanticEqual,
} from '../../../src/api/index.ts';
import type { Call, Identity } from '../call.ts';
import type { Server } from '../server.ts';
import { ask, refusalText, requestOf } from '../stages/authorization.ts';

const ADMIN_LABEL = 'resource.kubernetes.io/admin-access';
const NODE_NAME = 'authentication.kubernetes.io/node-name';

interface DeviceStatus {
  readonly driver?: string;
  readonly pool?: string;
  readonly device?: string;
  readonly shareID?: string;
}

interface ClaimStatus {
  readonly allocation?: {
    readonly devices?: { readonly results?: readonly { readonly adminAccess?: boolean }[] };
    readonly nodeSelector?: { readonly nodeSelectorTerms?: readonly NodeSelectorTerm[] };
  };
  readonly reservedFor?: readonly object[];
  readonly devices?: readonly DeviceStatus[];
}

interface NodeSelectorTerm {
  readonly matchExpressions?: readonly object[];
  readonly matchFields?: readonly {
    readonly key?: string;
    readonly operator?: string;
    readonly values?: readonly string[];
  }[];
}

interface ClaimSpec {
  readonly devices?: {
    readonly requests?: readonly ({ readonly exactly?: { readonly adminAccess?: boolean } | null } | null)[] | null;
  } | null;
}

/** Whether writes of the kind are asked about here. `kind` is the stored one. */
export function hasClaimRights({ group, plural }: KindDefinition): boolean {
  return group === 'resource.k8s.io' && (plural === 'resourceclaims' || plural === 'resourceclaimtemplates');
}

/** What the user may not write of the claim; empty when everything is allowed. Field errors of `spec` and `status`. */
export async function claimErrors(call: Call, object: ApiObject, server: Server): Promise<FieldError[]> {
  const { previous } = call;
  if (previous === undefined) return adminErrors(requestedPath(object), object, server);
  if (call.subresource?.name !== 'status') return [];
  const status = (object['status'] ?? {}) as ClaimStatus;
  const before = (previous.object['status'] ?? {}) as ClaimStatus;
  const granted = grantedPath(before) === undefined ? grantedPath(status) : undefined;
  return [
    ...adminErrors(granted, object, server),
    ...(await bindingErrors(call, status, before, server)),
    ...(await driverErrors(call, status, before, server)),
  ];
}

function requestedPath(object: ApiObject): string | undefined {
  const spec = object['spec'] as (ClaimSpec & { readonly spec?: ClaimSpec }) | undefined;
  const devices = (object.kind === 'ResourceClaimTemplate' ? spec?.spec : spec)?.devices;
  const index = (devices?.requests ?? []).findIndex((request) => request?.exactly?.adminAccess === true);
  return index < 0 ? undefined : `spec.devices.requests[${index}].adminAccess`;
}

function grantedPath({ allocation }: ClaimStatus): string | undefined {
  const index = (allocation?.devices?.results ?? []).findIndex((result) => result?.adminAccess === true);
  return index < 0 ? undefined : `status.allocation.devices.results[${index}].adminAccess`;
}

function adminErrors(path: string | undefined, { metadata }: ApiObject, server: Server): FieldError[] {
  if (path === undefined) return [];
  const cache = server.caches.cacheOf('/registry/namespaces', false);
  const namespace = cache.get(cache.keyOf(undefined, metadata.namespace ?? ''))?.object;
  const labels = namespace?.metadata['labels'] as Readonly<Record<string, string>> | undefined;
  if (labels?.[ADMIN_LABEL] === 'true') return [];
  const text = `admin access to devices requires the \`${ADMIN_LABEL}: true\` label on the containing namespace`;
  return [fieldErrors.forbidden(path, text)];
}

async function bindingErrors(call: Call, status: ClaimStatus, before: ClaimStatus, server: Server) {
  const isSame =
    semanticEqual(status.allocation, before.allocation) && semanticEqual(status.reservedFor, before.reservedFor);
  if (isSame) return [];
  const request = { ...requestOf(call, call.user, call.verb), subresource: 'binding', namespace: '', name: '' };
  const refusal = await refusalOf(request, server);
  if (refusal === undefined) return [];
  const needed = `resource="resourceclaims/binding", verb="${call.verb}"`;
  const text = `changing status.allocation or status.reservedFor requires ${needed} permission: ${refusal}`;
  return [fieldErrors.forbidden('status', text)];
}

async function driverErrors(call: Call, status: ClaimStatus, before: ClaimStatus, server: Server) {
  const drivers = changedDrivers(status.devices ?? [], before.devices ?? []);
  if (drivers.length === 0) return [];
  const verbs = isOnNode(call.user, nodeOf(status))
    ? [`associated-node:${call.verb}`, `arbitrary-node:${call.verb}`]
    : [`arbitrary-node:${call.verb}`];
  const errors: FieldError[] = [];
  for (const driver of drivers) {
    const refusals: string[] = [];
    for (const verb of verbs) {
      const request = { ...requestOf(call, call.user, verb), subresource: 'driver', name: driver };
      const refusal = await refusalOf(request, server);
      if (refusal === undefined) break;
      refusals.push(refusal);
    }
    if (refusals.length < verbs.length) continue;
    const needed = `resource="resourceclaims/driver", verb="[${verbs.join(' ')}]"`;
    const text = `changing status.devices requires ${needed} permission: ${refusals[0]}`;
    errors.push(fieldErrors.forbidden('status.devices', text));
  }
  return errors;
}

async function refusalOf(request: ReturnType<typeof requestOf>, server: Server): Promise<string | undefined> {
  const { allowed, reason } = await ask(request, server);
  if (allowed) return undefined;
  const text = refusalText(request) + (reason === '' ? '' : `: ${reason}`);
  return StatusError.forbidden({ group: request.group, name: request.resource }, request.name, text).message;
}

/** Drivers with entries that are new, other than before, or gone: sorted. */
function changedDrivers(devices: readonly DeviceStatus[], before: readonly DeviceStatus[]): string[] {
  const keyOf = ({ driver, pool, device, shareID = '' }: DeviceStatus) =>
    JSON.stringify([driver, pool, device, shareID]);
  const left = new Map(before.map((device) => [keyOf(device), device]));
  const drivers = new Set<string>();
  for (const device of devices) {
    const key = keyOf(device);
    if (!semanticEqual(left.get(key), device)) drivers.add(device.driver ?? '');
    left.delete(key);
  }
  for (const { driver = '' } of left.values()) drivers.add(driver);
  return [...drivers].sort();
}

/** The one node that an allocation is for, if it is for one. */
function nodeOf({ allocation }: ClaimStatus): string | undefined {
  const [term, ...more] = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  if (term === undefined || more.length > 0 || (term.matchExpressions ?? []).length > 0) return undefined;
  const [field, ...others] = term.matchFields ?? [];
  if (field === undefined || others.length > 0 || field.key !== 'metadata.name' || field.operator !== 'In')
    return undefined;
  return field.values?.length === 1 ? field.values[0] : undefined;
}

/** Whether the user is a service account whose token is of a pod on the node. */
function isOnNode({ user, extra }: Identity, node: string | undefined): boolean {
  const names = extra?.[NODE_NAME] ?? [];
  return node !== undefined && user.startsWith('system:serviceaccount:') && names.length === 1 && names[0] === node;
}
