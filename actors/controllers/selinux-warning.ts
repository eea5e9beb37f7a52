/**
 * selinux-warning-controller: warns of pods that use one volume with different SELinux labels, and so could not run on the same
 * node. Runs only when asked for. Keyed by pod.
 *
 * @see kubernetes/pkg/controller/volume/selinuxwarning
 */
import type { Pod } from '../../src/api/index.ts';
import { csiDrivers, persistentVolumeClaims, persistentVolumes, pods } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  type ControllerDependencies,
  isPodFinished,
  keyFor,
  type Reconciler,
  splitKey,
  volumeClaimIndex,
  volumeClaimsOf,
} from '../../src/controller/index.ts';

export const selinuxWarningController: ControllerDefinition = {
  name: 'selinux-warning-controller',
  queue: 'selinux_warning',
  emits: ['SELinuxLabelConflict', 'SELinuxChangePolicyConflict'],
  component: 'selinux_warning',
  byDefault: false,
  create: createReconciler,
};

/** How a pod has its volumes labelled. */
interface Labelling {
  readonly label: string;
  readonly policy: string;
}

/** Whether two labels differ in a part that both give; the level, which has colons of its own, is the last. */
function contradict(label: string, other: string): boolean {
  const partsOf = (text: string) => [...text.split(':').slice(0, 3), text.split(':').slice(3).join(':')];
  const others = partsOf(other);
  return partsOf(label).some((part, at) => part !== '' && (others[at] ?? '') !== '' && part !== others[at]);
}

const claimNames = (pod: Pod): readonly string[] =>
  (pod.spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
    if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName;
    return ephemeral === undefined ? [] : `${pod.metadata?.name}-${name}`;
  });

function createReconciler(dependencies: ControllerDependencies): Reconciler {
  const { enqueue, events } = dependencies;
  const podLister = dependencies.lister(pods);
  const claims = dependencies.lister(persistentVolumeClaims);
  const volumes = dependencies.lister(persistentVolumes);
  const drivers = dependencies.lister(csiDrivers);
  /** Pairs of pods that were warned of, so that each is told once. */
  const warned = new Set<string>();
  dependencies.index(pods, volumeClaimIndex, volumeClaimsOf);
  dependencies.observe(pods, ({ type, object }) => {
    if (type === 'added' || type === 'updated') enqueue(keyFor(object));
    else for (const pair of warned) if (pair.split(' ').includes(object.metadata?.uid ?? '')) warned.delete(pair);
  });
  dependencies.observe(persistentVolumeClaims, ({ object }) => {
    for (const pod of podLister.byIndex(volumeClaimIndex, keyFor(object))) enqueue(keyFor(pod));
  });
  dependencies.observe(csiDrivers, () => {
    for (const pod of podLister.list()) if (claimNames(pod).length > 0) enqueue(keyFor(pod));
  });

  /** What the pod does with a volume of this claim. */
  function labellingOf(pod: Pod, claimName: string): Labelling {
    const { seLinuxOptions, seLinuxChangePolicy } = pod.spec?.securityContext ?? {};
    const driver = volumes.get(undefined, claims.get(pod.metadata?.namespace, claimName)?.spec?.volumeName ?? '')?.spec
      ?.csi?.driver;
    const supported = driver !== undefined && drivers.get(undefined, driver)?.spec.seLinuxMount === true;
    const { user = '', role = '', type = '', level = '' } = seLinuxOptions ?? {};
    // What is left out is the node's to say; nobody knows it here.
    const label = seLinuxOptions === undefined ? '' : [user, role, type, level].join(':');
    const policy = !supported || label === '' ? 'Recursive' : (seLinuxChangePolicy ?? 'MountOption');
    return { label: policy === 'Recursive' ? '' : label, policy };
  }

  function warn(
    pod: Pod,
    other: Pod,
    property: 'SELinuxLabel' | 'SELinuxChangePolicy',
    mine: string,
    theirs: string,
  ): void {
    const near = pod.metadata?.namespace === other.metadata?.namespace;
    const message = near
      ? `${property} "${mine}" conflicts with pod ${other.metadata?.name} that uses the same volume as this pod with ${property} "${theirs}". If both pods land on the same node, only one of them may access the volume.`
      : `${property} "${mine}" conflicts with another pod that uses the same volume as this pod with a different ${property}. If both pods land on the same node, only one of them may access the volume.`;
    events.event(pod, 'Normal', `${property}Conflict`, message);
  }

  function compare(pod: Pod, other: Pod, claimName: string): void {
    const pair = [pod.metadata?.uid ?? '', other.metadata?.uid ?? ''].sort().join(' ');
    const [mine, theirs] = [labellingOf(pod, claimName), labellingOf(other, claimName)];
    const conflicts = [
      ...(mine.policy === theirs.policy ? [] : [['SELinuxChangePolicy', mine.policy, theirs.policy] as const]),
      ...(contradict(mine.label, theirs.label) ? [['SELinuxLabel', mine.label, theirs.label] as const] : []),
    ];
    if (warned.has(pair) || conflicts.length === 0) return;
    warned.add(pair);
    for (const [property, own, others] of conflicts) {
      warn(pod, other, property, own, others);
      warn(other, pod, property, others, own);
    }
  }

  return {
    async reconcile(key) {
      const { namespace, name } = splitKey(key);
      const pod = podLister.get(namespace, name);
      if (pod === undefined || isPodFinished(pod)) return undefined;
      for (const claimName of claimNames(pod)) {
        for (const other of podLister.byIndex(volumeClaimIndex, `${namespace}/${claimName}`)) {
          if (other !== pod && !isPodFinished(other)) compare(pod, other, claimName);
        }
      }
      return undefined;
    },
  };
}
