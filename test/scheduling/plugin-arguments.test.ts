/** Arguments of in-tree plugins that are refused, in upstream's words. */
import { expect, test } from 'vitest';
import { parseConfiguration } from '../../src/scheduling/index.ts';

const path = 'profiles[0].pluginConfig[0].args';

test.each<[string, Record<string, unknown>, string]>([
  [
    'DefaultPreemption',
    { minCandidateNodesPercentage: 101 },
    `${path}.minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100]`,
  ],
  [
    'DefaultPreemption',
    { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 },
    `[${path}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, ` +
      `${path}.minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]`,
  ],
  [
    'InterPodAffinity',
    { hardPodAffinityWeight: -1 },
    `${path}.hardPodAffinityWeight: Invalid value: -1: not in valid range [0, 100]`,
  ],
  [
    'PodTopologySpread',
    { defaultConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' }] },
    `${path}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty`,
  ],
  [
    'PodTopologySpread',
    { defaultingType: 'None' },
    `${path}.defaultingType: Unsupported value: "None": supported values: "System", "List"`,
  ],
  [
    'PodTopologySpread',
    {
      defaultingType: 'List',
      defaultConstraints: [
        { maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'Perhaps', labelSelector: {} },
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'Perhaps' },
      ],
    },
    `[${path}.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf), ` +
      `${path}.defaultConstraints[0].whenUnsatisfiable: Unsupported value: "Perhaps": supported values: "DoNotSchedule", "ScheduleAnyway", ` +
      `${path}.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod, ` +
      `${path}.defaultConstraints[1].whenUnsatisfiable: Unsupported value: "Perhaps": supported values: "DoNotSchedule", "ScheduleAnyway", ` +
      `${path}.defaultConstraints[1]: Duplicate value: "{zone, Perhaps}"]`,
  ],
  [
    'NodeAffinity',
    {
      addedAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Is', values: ['ssd'] }] }],
        },
      },
    },
    `${path}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: ` +
      'Unsupported value: "Is": supported values: "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"',
  ],
  [
    'NodeAffinity',
    {
      addedAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 1,
            preference: {
              matchExpressions: [{ key: 'disk', operator: 'In' }],
              matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a', 'b'] }],
            },
          },
        ],
      },
    },
    `[${path}.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchExpressions[0].values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty, ` +
      `${path}.addedAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].matchFields[0].values: Too many: 2: must have at most 1 item]`,
  ],
  [
    'NodeResourcesFit',
    { scoringStrategy: { type: 'Most' } },
    `${path}.scoringStrategy.type: Unsupported value: "Most": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
  ],
  [
    'NodeResourcesFit',
    {
      ignoredResourceGroups: ['a/b'],
      scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 101 }] },
    },
    `[${path}.ignoredResourceGroups[0]: Invalid value: "a/b": resource group name can't contain '/', ` +
      `${path}.scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]]`,
  ],
  [
    'NodeResourcesFit',
    { scoringStrategy: { type: 'RequestedToCapacityRatio' } },
    `${path}.scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio`,
  ],
  [
    'NodeResourcesFit',
    {
      scoringStrategy: {
        type: 'RequestedToCapacityRatio',
        requestedToCapacityRatio: {
          shape: [
            { utilization: 50, score: 11 },
            { utilization: 50, score: 1 },
          ],
        },
      },
    },
    `[${path}.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 50: values must be sorted in increasing order, ` +
      `${path}.scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in valid range [0, 10]]`,
  ],
  [
    'NodeResourcesBalancedAllocation',
    { resources: [{ name: 'cpu', weight: 2 }, { name: 'cpu' }] },
    `[${path}.resources[0].weight: Invalid value: 2: must be 1, ${path}.resources[1].name: Duplicate value: "cpu"]`,
  ],
  [
    'VolumeBinding',
    { bindTimeoutSeconds: -1 },
    `${path}.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value`,
  ],
  [
    'DynamicResources',
    { bindingTimeout: '500ms' },
    `${path}.bindingTimeout: Invalid value: "500ms": must be at least 1 second`,
  ],
  [
    'NodeAffinity',
    { addedafinity: {} },
    `${path}: decoding args for plugin NodeAffinity: strict decoding error: unknown field "addedafinity"`,
  ],
])('%s refuses %j', (name, args, message) => {
  let said = '';
  try {
    parseConfiguration({ profiles: [{ pluginConfig: [{ name, args }] }] });
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toBe(message);
});

test('weights and types that are left out have defaults', () => {
  const scoringStrategy = { type: 'MostAllocated', resources: [{ name: 'cpu' }, { name: 'memory', weight: 0 }] };
  expect(() =>
    parseConfiguration({
      profiles: [
        {
          pluginConfig: [
            { name: 'NodeResourcesFit', args: { kind: 'NodeResourcesFitArgs', scoringStrategy } },
            { name: 'PodTopologySpread', args: { defaultingType: '' } },
            { name: 'DynamicResources', args: { bindingTimeout: '10m' } },
          ],
        },
      ],
    }),
  ).not.toThrow();
});
