/**
 * A pod that uses a feature which not every kubelet has fits nodes that declare it. Which pods need which feature is
 * told by the pod's spec. @see plugins/nodedeclaredfeatures and KEP-5328
 */
import type { Container, Node, PodSpec } from '../../../src/api/index.ts';
import { Action, type PluginDefinition, skip, stateKey, unresolvable } from '../../../src/scheduling/index.ts';

const name = 'NodeDeclaredFeatures';
const unmet = unresolvable("node(s) didn't match Pod's required features");
const neededKey = stateKey<readonly string[]>(name);

const restartsAll = (containers: readonly Container[] | undefined): boolean =>
  containers?.some(({ restartPolicyRules }) =>
    restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
  ) ?? false;

/** Features by the name under which nodes declare them, and who needs them. */
const features: readonly (readonly [feature: string, isNeeded: (spec: PodSpec) => boolean])[] = [
  [
    'RestartAllContainersOnContainerExits',
    ({ containers, initContainers }) => restartsAll(containers) || restartsAll(initContainers),
  ],
  ['UserNamespacesHostNetworkSupport', ({ hostNetwork, hostUsers }) => hostNetwork === true && hostUsers === false],
];

const none: readonly string[] = [];

function neededBy(spec: PodSpec | undefined): readonly string[] {
  let needed = none;
  for (const [feature, isNeeded] of features) if (spec && isNeeded(spec)) needed = [...needed, feature];
  return needed;
}

const declaredBy = (node: Node | undefined): readonly string[] => node?.status?.declaredFeatures ?? none;

export const nodeDeclaredFeatures: PluginDefinition = {
  name,
  create: ({ nodes }) => ({
    name,
    preFilter(cycle, { pod }) {
      const needed = neededBy(pod.spec);
      if (needed.length === 0) return skip;
      cycle.write(neededKey, needed);
      return undefined;
    },
    sign: ({ pod }) => neededBy(pod.spec).join(),
    filter(cycle, _info, row) {
      const declared = declaredBy(nodes.nodes[row]);
      return cycle.need(neededKey).every((feature) => declared.includes(feature)) ? undefined : unmet;
    },
    events: () => [
      {
        resource: 'Node',
        action: Action.Add | Action.UpdateNodeDeclaredFeature,
        hint: (_info, previous, current) =>
          previous === undefined || declaredBy(previous as Node).join() !== declaredBy(current as Node).join(),
      },
      // What a pod needs does not change with its spec's fields that may change.
      { resource: 'TargetPod', action: Action.Update, hint: () => false },
    ],
  }),
};
