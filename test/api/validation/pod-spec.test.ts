import { describe, expect, it } from 'vitest';
import type { PodSpec } from '../../../src/api/generated/types.ts';
import { fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { contextOf, podErrors, podOf } from './context.ts';

type Case = readonly [what: string, change: (spec: PodSpec) => void, errors: readonly string[]];

describe('the specification of a pod', () => {
  const cases: readonly Case[] = [
    [
      'a hostname of its own beside other ones, before the names that follow',
      (spec) => {
        spec.hostnameOverride = 'a.b';
        spec.setHostnameAsFQDN = true;
        spec.hostNetwork = true;
        spec.containers[0]!.ports![0]!.hostPort = 80;
        spec.subdomain = 'UP';
      },
      [
        'spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true',
        'spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true',
        "spec.subdomain: Invalid value: \"UP\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ],
    ],
    [
      'users of its own beside what the host shares and a block device',
      (spec) => {
        spec.hostUsers = false;
        spec.hostPID = true;
        spec.volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }];
        spec.containers[0]!.volumeMounts = [];
        spec.containers[0]!.volumeDevices = [{ name: 'v', devicePath: '/dev/x' }];
      },
      [
        'spec.HostPID: Forbidden: when `hostUsers` is false',
        'spec.containers[0].volumeDevices: Forbidden: when `hostUsers` is false',
      ],
    ],
    ['an operating system without a name', (spec) => (spec.os = { name: '' }), ['spec.os.name: Required value']],
    [
      'less than its containers ask for, and claims',
      (spec) => {
        spec.resources = { requests: { cpu: '50m' }, limits: { cpu: '150m' }, claims: [{ name: 'x' }] };
        spec.resourceClaims = [{ name: 'x', resourceClaimName: 'y' }];
      },
      [
        'spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level',
        'spec.resources.requests[cpu]: Invalid value: "50m": must be greater than or equal to aggregate container requests of 100m',
        'spec.resources.containers[0][cpu].limits: Invalid value: "200m": must be less than or equal to pod limits of 150m',
      ],
    ],
    [
      'resources as a whole on Windows',
      (spec) => {
        spec.os = { name: 'windows' };
        spec.resources = { requests: { cpu: '1m' }, claims: [{ name: 'x' }] };
      },
      ['spec.resources: Forbidden: may not be set for a windows pod'],
    ],
    [
      'a comparison of taints, which is off',
      (spec) => (spec.tolerations = [{ key: 'k', operator: 'Gt', value: '5', effect: 'NoSchedule' }]),
      ['spec.tolerations[0].operator: Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"'],
    ],
    [
      'a toleration of an unknown kind',
      (spec) => (spec.tolerations = [{ key: 'k', operator: 'In', value: '5' }]),
      ['spec.tolerations[0].operator: Unsupported value: "In": supported values: "Equal", "Exists"'],
    ],
    [
      'a key to spread by that the selector asks for too',
      (spec) =>
        (spec.topologySpreadConstraints = [
          {
            maxSkew: 1,
            topologyKey: 'zone',
            whenUnsatisfiable: 'DoNotSchedule',
            matchLabelKeys: ['app'],
            labelSelector: {
              matchLabels: { app: 'x' },
              matchExpressions: [{ key: 'app', operator: 'In', values: ['x'] }],
            },
          },
        ]),
      ['spec.topologySpreadConstraints[0][0]: Invalid value: "app": exists in both matchLabelKeys and labelSelector'],
    ],
  ];
  it.each(cases)('refuses %s', (_, change, errors) => {
    expect(podErrors(change)).toEqual(errors);
  });

  it('counts init containers one by one, beside sidecars, when the pod asks as a whole', () => {
    const common = { image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' };
    const errors = podErrors((spec) => {
      spec.resources = { requests: { cpu: '600m' } };
      spec.initContainers = [
        { ...common, name: 's', restartPolicy: 'Always', resources: { requests: { cpu: '200m' } } },
        { ...common, name: 'i', resources: { requests: { cpu: '500m' } } },
      ];
    });
    expect(errors).toEqual([
      'spec.resources.requests[cpu]: Invalid value: "600m": must be greater than or equal to aggregate container requests of 700m',
    ]);
  });

  it('refuses claims of devices to the mirror of a static pod', () => {
    const pod = podOf((spec) => {
      spec.nodeName = 'node';
      spec.resourceClaims = [{ name: 'a', resourceClaimName: 'x' }];
    });
    pod.metadata['annotations'] = { 'kubernetes.io/config.mirror': 'x' };
    const errors = validationOf('io.k8s.api.core.v1.Pod')!.validate!(pod, contextOf());
    expect(errors.map(fieldErrorText)).toEqual([': Forbidden: static pods do not support resource claims']);
  });
});
