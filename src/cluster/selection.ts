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
    const name = leaveOut ? entry.slice(1) : entry;
    if (!known.has(name)) {
      throw new UnknownComponentError(
        `unknown component "${name}"; components are ${componentGroups.join(', ')} and the controllers ${controllers.join(', ')}`,
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
