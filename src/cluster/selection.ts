/**
 * Which components a cluster runs, from a list such as `apiserver,scheduler` or `all,-deployment-controller`.
 * The store and the API server always run; `all` is the default.
 */

/** The cloud controller manager: `cloud` stands for all of them. */
const cloudControllers: readonly string[] = [
  'cloud-node-controller',
  'cloud-node-lifecycle-controller',
  'node-route-controller',
  'service-lb-controller',
];

/** Controllers that run only when they are named, as with upstream's kube-controller-manager. */
const onRequestOnly: readonly string[] = [
  'bootstrap-signer-controller',
  'node-ipam-controller',
  'selinux-warning-controller',
  'token-cleaner-controller',
  ...cloudControllers,
];

/**
 * The names that controllers had before, which upstream's `--controllers` still takes.
 * @see kubernetes/cmd/kube-controller-manager/app (aliases of the controller descriptors)
 */
export const formerNames: Readonly<Record<string, string>> = {
  attachdetach: 'persistentvolume-attach-detach-controller',
  bootstrapsigner: 'bootstrap-signer-controller',
  'cloud-node': 'cloud-node-controller',
  'cloud-node-lifecycle': 'cloud-node-lifecycle-controller',
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  cronjob: 'cronjob-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  daemonset: 'daemonset-controller',
  deployment: 'deployment-controller',
  disruption: 'disruption-controller',
  endpoint: 'endpoints-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  'ephemeral-volume': 'ephemeral-volume-controller',
  garbagecollector: 'garbage-collector-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller',
  job: 'job-controller',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
  namespace: 'namespace-controller',
  nodeipam: 'node-ipam-controller',
  nodelifecycle: 'node-lifecycle-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  'persistentvolume-expander': 'persistentvolume-expander-controller',
  podgc: 'pod-garbage-collector-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  replicaset: 'replicaset-controller',
  replicationcontroller: 'replicationcontroller-controller',
  resourcequota: 'resourcequota-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  route: 'node-route-controller',
  service: 'service-lb-controller',
  serviceaccount: 'serviceaccount-controller',
  'serviceaccount-token': 'serviceaccount-token-controller',
  statefulset: 'statefulset-controller',
  'storage-version-gc': 'storageversion-garbage-collector-controller',
  tokencleaner: 'token-cleaner-controller',
  ttl: 'ttl-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
};

/** Names that stand for many. */
export const componentGroups = [
  'all',
  'apiserver',
  'scheduler',
  'controllers',
  'cloud',
  'nodes',
  'kube-proxy',
] as const;

export interface ComponentSelection {
  readonly scheduler: boolean;
  readonly nodes: boolean;
  readonly kubeProxy: boolean;
  /** Names of the controllers to run, in the order of their list. */
  readonly controllers: readonly string[];
}

/** Thrown for a name that is no component. `message` says what there is. */
export class UnknownComponentError extends Error {
  override readonly name = 'UnknownComponentError';
}

/**
 * Reads a component list. A leading `-` leaves one out; a list that only leaves out starts from all.
 * @throws UnknownComponentError
 */
export function selectComponents(list: readonly string[], controllers: readonly string[]): ComponentSelection {
  const chosen = new Set<string>();
  const everyController = controllers.filter((name) => !onRequestOnly.includes(name));
  const members: Record<string, readonly string[]> = {
    all: ['scheduler', 'nodes', 'kube-proxy', ...everyController],
    apiserver: [],
    controllers: everyController,
    cloud: controllers.filter((name) => cloudControllers.includes(name)),
  };
  const known = new Set<string>([...componentGroups, ...controllers]);
  const names = list.map((name) => name.trim()).filter((name) => name !== '');
  if (names.every((name) => name.startsWith('-'))) names.unshift('all');
  for (const entry of names) {
    const leaveOut = entry.startsWith('-');
    const asked = leaveOut ? entry.slice(1) : entry;
    const name = formerNames[asked] ?? asked;
    if (!known.has(name)) {
      throw new UnknownComponentError(
        `unknown component "${asked}"; components are ${componentGroups.join(', ')} and the controllers ${controllers.join(', ')}`,
      );
    }
    for (const member of members[name] ?? [name]) {
      if (leaveOut) chosen.delete(member);
      else chosen.add(member);
    }
  }
  return {
    scheduler: chosen.has('scheduler'),
    nodes: chosen.has('nodes'),
    kubeProxy: chosen.has('kube-proxy'),
    controllers: controllers.filter((name) => chosen.has(name)),
  };
}
