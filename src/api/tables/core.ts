/** Tables of the core group's kinds that are not about pods or the network. @see pkg/printers/internalversion/printers.go */
import type { ComponentStatus, ConfigMap, Event, Namespace, Node, ResourceQuota, Secret } from '../generated/types.ts';
import { ageColumn, ageOf, column, nameColumn, nameOf, OBJECT_META, tableOf } from './columns.ts';
import { since } from './durations.ts';

const core = (type: string) => `io.k8s.api.core.v1.${type}`;

export const namespaceTable = tableOf<Namespace>({
  columns: [nameColumn, column('Status', 'string', 'The status of the namespace'), ageColumn],
  row: (namespace, context) => [nameOf(namespace), namespace.status?.phase ?? '', ageOf(namespace, context)],
});

export const nodeTable = tableOf<Node>({
  columns: [
    nameColumn,
    column('Status', 'string', 'The status of the node'),
    column('Roles', 'string', 'The roles of the node'),
    ageColumn,
    column('Version', 'string', [core('NodeSystemInfo'), 'kubeletVersion']),
    column('Internal-IP', 'string', [core('NodeStatus'), 'addresses'], 1),
    column('External-IP', 'string', [core('NodeStatus'), 'addresses'], 1),
    column('OS-Image', 'string', [core('NodeSystemInfo'), 'osImage'], 1),
    column('Kernel-Version', 'string', [core('NodeSystemInfo'), 'kernelVersion'], 1),
    column('Container-Runtime', 'string', [core('NodeSystemInfo'), 'containerRuntimeVersion'], 1),
  ],
  row(node, context) {
    const info = node.status?.nodeInfo;
    return [
      nameOf(node),
      nodeStatus(node),
      nodeRoles(node),
      ageOf(node, context),
      info?.kubeletVersion ?? '',
      nodeAddress(node, 'InternalIP'),
      nodeAddress(node, 'ExternalIP'),
      info?.osImage || '<unknown>',
      info?.kernelVersion || '<unknown>',
      info?.containerRuntimeVersion || '<unknown>',
    ];
  },
});

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.findLast(({ type }) => type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status;
}

const rolePrefix = 'node-role.kubernetes.io/';

/** Roles come from labels: `node-role.kubernetes.io/<role>`, or the older `kubernetes.io/role: <role>`. */
function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    const role = key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === 'kubernetes.io/role' ? value : '';
    if (role !== '') roles.add(role);
  }
  return [...roles].sort().join(',') || '<none>';
}

function nodeAddress(node: Node, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? '<none>';
}

/** Of both groups' events, from the core group's form. */
export const eventTable = tableOf<Event>({
  columns: [
    column('Last Seen', 'string', [core('Event'), 'lastTimestamp']),
    column('Type', 'string', [core('Event'), 'type']),
    column('Reason', 'string', [core('Event'), 'reason']),
    column('Object', 'string', [core('Event'), 'involvedObject']),
    column('Subobject', 'string', [core('ObjectReference'), 'fieldPath'], 1),
    column('Source', 'string', [core('Event'), 'source'], 1),
    column('Message', 'string', [core('Event'), 'message']),
    column('First Seen', 'string', [core('Event'), 'firstTimestamp'], 1),
    column('Count', 'string', [core('Event'), 'count'], 1),
    column('Name', 'string', [OBJECT_META, 'name'], 1, 'name'),
  ],
  row(event, { nowMs }) {
    const object = event.involvedObject ?? {};
    const kind = (object.kind ?? '').toLowerCase();
    const first = since(event.firstTimestamp || event.eventTime, nowMs);
    const last = event.lastTimestamp ? since(event.lastTimestamp, nowMs) : first;
    return [
      event.series === undefined ? last : since(event.series.lastObservedTime, nowMs),
      event.type ?? '',
      event.reason ?? '',
      object.name ? `${kind}/${object.name}` : kind,
      object.fieldPath ?? '',
      eventSource(event),
      (event.message ?? '').trim(),
      first,
      event.series === undefined ? event.count || 1 : (event.series.count ?? 0),
      nameOf(event),
    ];
  },
});

function eventSource(event: Event): string {
  const component = event.source?.component || event.reportingComponent || '';
  const instance = event.source?.host || event.reportingInstance || '';
  return instance === '' ? component : `${component}, ${instance}`;
}

export const configMapTable = tableOf<ConfigMap>({
  columns: [nameColumn, column('Data', 'string', [core('ConfigMap'), 'data']), ageColumn],
  row: (configMap, context) => [
    nameOf(configMap),
    entries(configMap.data) + entries(configMap.binaryData),
    ageOf(configMap, context),
  ],
});

export const secretTable = tableOf<Secret>({
  columns: [
    nameColumn,
    column('Type', 'string', [core('Secret'), 'type']),
    column('Data', 'string', [core('Secret'), 'data']),
    ageColumn,
  ],
  row: (secret, context) => [nameOf(secret), secret.type ?? '', entries(secret.data), ageOf(secret, context)],
});

function entries(map: object | undefined): number {
  return map === undefined ? 0 : Object.keys(map).length;
}

export const resourceQuotaTable = tableOf<ResourceQuota>({
  columns: [
    nameColumn,
    column('Request', 'string', 'Request represents a minimum amount of cpu/memory that a container may consume.'),
    column(
      'Limit',
      'string',
      'Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.',
    ),
    ageColumn,
  ],
  row(quota, context) {
    const { hard = {}, used = {} } = quota.status ?? {};
    const requests: string[] = [];
    const limits: string[] = [];
    for (const resource of Object.keys(hard).sort()) {
      const list = resource.startsWith('limits.') ? limits : requests;
      list.push(`${resource}: ${used[resource] ?? '0'}/${hard[resource]}`);
    }
    return [nameOf(quota), requests.join(', '), limits.join(', '), ageOf(quota, context)];
  },
});

export const componentStatusTable = tableOf<ComponentStatus>({
  columns: [
    nameColumn,
    column('Status', 'string', 'Status of the component conditions'),
    column('Message', 'string', 'Message of the component conditions'),
    column('Error', 'string', 'Error of the component conditions'),
  ],
  row(component) {
    const health = component.conditions?.find(({ type }) => type === 'Healthy');
    if (health === undefined) return [nameOf(component), 'Unknown', '', ''];
    const status = health.status === 'True' ? 'Healthy' : 'Unhealthy';
    return [nameOf(component), status, health.message ?? '', health.error ?? ''];
  },
});
