import { describe, expect, it } from 'vitest';
import type { Container, PodSpec } from '../../../src/api/generated/types.ts';
import { podErrors } from './context.ts';

type Case = readonly [what: string, change: (spec: PodSpec) => void, errors: readonly string[]];

const container: Container = {
  name: 'i',
  image: 'busybox',
  imagePullPolicy: 'Always',
  terminationMessagePolicy: 'File',
};
const probe = { tcpSocket: { port: 80 }, successThreshold: 1 };

describe('containers of a pod', () => {
  const cases: readonly Case[] = [
    [
      'a resize policy that restarts where nothing does',
      (spec) => {
        spec.restartPolicy = 'Never';
        spec.containers[0]!.resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }];
      },
      [
        "spec.containers[0].resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'",
      ],
    ],
    [
      'rules without a policy in an init container, whose rules are not looked at',
      (spec) => (spec.initContainers = [{ ...container, restartPolicyRules: [{ action: 'X' }] }]),
      ['spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used'],
    ],
    [
      'rules without a policy in a container, whose rules are looked at too',
      (spec) => (spec.containers[0]!.restartPolicyRules = [{ action: 'X' }]),
      [
        'spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used',
        'spec.containers[0].restartPolicyRules[0].action: Unsupported value: "X": supported values: "Restart", "RestartAllContainers"',
        'spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified',
      ],
    ],
    [
      'an init container that would restart to be resized',
      (spec) =>
        (spec.initContainers = [
          {
            ...container,
            resizePolicy: [
              { resourceName: 'cpu', restartPolicy: 'NotRequired' },
              { resourceName: 'memory', restartPolicy: 'RestartContainer' },
            ],
          },
        ]),
      [
        'spec.initContainers[0].resizePolicy[1].restartPolicy: Invalid value: "RestartContainer": must not be set to \'RestartContainer\' for non-sidecar initContainers',
      ],
    ],
    [
      'a sidecar with a probe, and an init container with one',
      (spec) =>
        (spec.initContainers = [
          { ...container, restartPolicy: 'Always', startupProbe: probe },
          { ...container, name: 'j', startupProbe: probe },
        ]),
      [
        'spec.initContainers[1].startupProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
    [
      'sources of variables: none, and one that has none',
      (spec) => (spec.containers[0]!.envFrom = [{ configMapRef: { name: 'a' } }, { prefix: 'P_' }]),
      ['spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    ],
    [
      'a variable from a file of no volume, on a path that leads up',
      (spec) =>
        (spec.containers[0]!.env = [
          { name: 'A', valueFrom: { fileKeyRef: { key: 'A', path: '../x', volumeName: 'w' } } },
        ]),
      [
        'spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: "../x": must not contain \'..\'',
        'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Not found: "w"',
      ],
    ],
    [
      'a variable from a file of a volume that is no scratch directory',
      (spec) => {
        spec.volumes![0] = { name: 'v', hostPath: { path: '/x', type: '' } };
        spec.containers[0]!.env = [
          { name: 'A', valueFrom: { fileKeyRef: { key: 'A', path: '/etc/x', volumeName: 'v' } } },
        ];
      },
      [
        'spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: "v": referenced volume must be of type emptyDir',
      ],
    ],
  ];
  it.each(cases)('refuses %s', (_, change, errors) => {
    expect(podErrors(change)).toEqual(errors);
  });
});
