import { describe, expect, it } from 'vitest';
import type { ContainerStatus, PodSpec, PodStatus } from '../../../src/api/generated/types.ts';
import { fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { contextOf, podOf } from './context.ts';

const rules = validationOf('io.k8s.api.core.v1.Pod')!.status!;

function statusErrors(
  status: PodStatus,
  before: PodStatus = {},
  change: (spec: PodSpec & Record<string, unknown>) => void = () => undefined,
): string[] {
  const pod = { ...podOf(change), status };
  const previous = { ...podOf(change), status: before };
  return rules.validateUpdate!(pod, previous, contextOf()).map(fieldErrorText);
}

const statusOf = (state: ContainerStatus['state'], name = 'c'): ContainerStatus => ({
  name,
  image: 'nginx',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
});
const ended = (exitCode: number): PodStatus => ({ containerStatuses: [statusOf({ terminated: { exitCode } })] });
const running: PodStatus = { containerStatuses: [statusOf({ running: {} })] };
const refusal = 'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state';

describe('the status of a pod', () => {
  const restarts: readonly (readonly [
    what: string,
    exitCode: number,
    change: (spec: PodSpec) => void,
    errors: readonly string[],
  ])[] = [
    ['of a pod that always restarts', 0, () => undefined, []],
    ['that failed, where failure restarts', 3, (spec) => (spec.restartPolicy = 'OnFailure'), []],
    ['that succeeded, where failure restarts', 0, (spec) => (spec.restartPolicy = 'OnFailure'), [refusal]],
    ['that never restarts in a pod that does', 1, (spec) => (spec.containers[0]!.restartPolicy = 'Never'), [refusal]],
    [
      'whose rule names the code',
      42,
      (spec) => {
        spec.containers[0]!.restartPolicy = 'Never';
        spec.containers[0]!.restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
      },
      [],
    ],
    [
      'whose rule names another code',
      41,
      (spec) => {
        spec.containers[0]!.restartPolicy = 'Never';
        spec.containers[0]!.restartPolicyRules = [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }];
      },
      [refusal],
    ],
    ['that the pod does not have', 0, (spec) => (spec.containers[0]!.name = 'other'), [refusal]],
  ];
  it.each(restarts)('lets or does not let a container %s run again', (_, exitCode, change, errors) => {
    expect(statusErrors(running, ended(exitCode), change)).toEqual(errors);
  });

  it('nominates no node for a pod that has one', () => {
    const errors = statusErrors({ nominatedNodeName: 'b' }, {}, (spec) => {
      spec.nodeName = 'a';
    });
    expect(errors).toEqual([
      'status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node',
    ]);
  });

  it('observes no generation below zero', () => {
    const conditions = [{ type: 'Ready', status: 'True', observedGeneration: -1 }];
    expect(statusErrors({ observedGeneration: -2, conditions })).toEqual([
      'status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer',
      'status.observedGeneration: Invalid value: -2: must be a non-negative integer',
    ]);
  });

  it('has one address of a family', () => {
    expect(statusErrors({ podIPs: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }] })).toEqual([
      'status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.1"}]: may specify no more than one IP for each IP family',
    ]);
  });

  it('names claims that the pod has, and requests that its containers make', () => {
    const mapping = { containerName: 'c', resourceName: 'example.com/gpu', requestName: 'r' };
    const status: PodStatus = {
      resourceClaimStatuses: [{ name: 'x', resourceClaimName: 'UP' }],
      extendedResourceClaimStatus: { resourceClaimName: '', requestMappings: [mapping] },
    };
    const name =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    expect(statusErrors(status)).toEqual([
      'status.resourceClaimStatuses[0].name: Invalid value: "x": must match the name of an entry in `spec.resourceClaims`',
      `status.resourceClaimStatuses[0].resourceClaimName: Invalid value: "UP": ${name}`,
      'status.extendedResourceClaimStatus.requestMappings[0].resourceName: Invalid value: "example.com/gpu": must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests',
      'status.extendedResourceClaimStatus.resourceClaimName: Required value',
    ]);
  });
});
