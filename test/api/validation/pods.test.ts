import { describe, expect, it } from 'vitest';
import type { Pod, PodSpec } from '../../../src/api/generated/types.ts';
import { type ApiObject, fieldErrorText } from '../../../src/api/index.ts';
import { validationOf } from '../../../src/api/validation/index.ts';
import { contextOf, podOf } from './context.ts';

const validation = validationOf('io.k8s.api.core.v1.Pod')!;

const createErrors = (pod: ApiObject): string[] => validation.validate!(pod, contextOf()).map(fieldErrorText);
const updateErrors = (pod: ApiObject, previous: ApiObject): string[] =>
  validation.validateUpdate!(pod, previous, contextOf()).map(fieldErrorText);

describe('a new pod', () => {
  it('passes as defaulting leaves it', () => {
    expect(createErrors(podOf())).toEqual([]);
  });

  const cases: readonly (readonly [what: string, change: (spec: PodSpec) => void, errors: readonly string[]])[] = [
    ['no containers', (spec) => (spec.containers = []), ['spec.containers: Required value']],
    [
      'an unknown restart policy',
      (spec) => (spec.restartPolicy = 'Sometimes'),
      ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ],
    [
      'a request above its limit',
      (spec) => (spec.containers[0]!.resources!.requests!['cpu'] = '5'),
      ['spec.containers[0].resources.requests: Invalid value: "5": must be less than or equal to cpu limit of 200m'],
    ],
    [
      'a mount of no volume',
      (spec) => (spec.containers[0]!.volumeMounts![0]!.name = 'w'),
      ['spec.containers[0].volumeMounts[0].name: Not found: "w"'],
    ],
    [
      'two sources of a volume',
      (spec) => (spec.volumes![0]!.hostPath = { path: '/x' }),
      [
        'spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type',
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
      ],
    ],
    [
      'a probe without a handler',
      (spec) => (spec.containers[0]!.livenessProbe = { successThreshold: 1 }),
      ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    ],
    [
      'a privileged container that must not escalate',
      (spec) => (spec.containers[0]!.securityContext = { privileged: true, allowPrivilegeEscalation: false }),
      [
        'spec.containers[0].securityContext: Invalid value: {"Capabilities":null,"Privileged":true,"SELinuxOptions":null,"WindowsOptions":null,"RunAsUser":null,"RunAsGroup":null,"RunAsNonRoot":null,"ReadOnlyRootFilesystem":null,"AllowPrivilegeEscalation":false,"ProcMount":null,"SeccompProfile":null,"AppArmorProfile":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    ],
    [
      'a toleration of everything by value',
      (spec) => (spec.tolerations = [{ operator: 'Equal', value: 'x' }]),
      [
        'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
    [
      'an ephemeral container',
      (spec) =>
        (spec.ephemeralContainers = [
          { name: 'e', image: 'i', imagePullPolicy: 'Always', terminationMessagePolicy: 'File' },
        ]),
      ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
    ],
    [
      'host ports taken twice',
      (spec) =>
        (spec.containers[0]!.ports = [
          { containerPort: 1, hostPort: 5, protocol: 'TCP' },
          { containerPort: 2, hostPort: 5, protocol: 'TCP' },
        ]),
      ['spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//5"'],
    ],
  ];
  for (const [what, change, errors] of cases) {
    it(`is refused with ${what}`, () => {
      expect(createErrors(podOf(change))).toEqual(errors);
    });
  }
});

describe('an updated pod', () => {
  it('may change images and add tolerations', () => {
    const changed = podOf((spec) => {
      spec.containers[0]!.image = 'other';
      spec.tolerations = [{ key: 'k', operator: 'Exists' }];
    });
    expect(updateErrors(changed, podOf())).toEqual([]);
  });

  it('may not change its node, and is told so with the difference', () => {
    const changed = podOf((spec) => {
      spec.nodeName = 'n1';
    });
    const [error] = updateErrors(changed, podOf());
    expect(error).toContain('spec: Forbidden: pod updates may not change fields other than');
    expect(error).toContain('\n- "NodeName": "",\n+ "NodeName": "n1",\n');
  });

  it('may not lose a container', () => {
    const two = podOf((spec) => spec.containers.push({ ...spec.containers[0]!, name: 'd' }));
    expect(updateErrors(podOf(), two)).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  it('keeps its class of service when it is resized', () => {
    const changed = podOf((spec) => {
      spec.containers[0]!.resources = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } };
    });
    const errors = validation.subresources!['resize']!.validateUpdate!(changed, podOf(), contextOf());
    expect(errors.map(({ detail }) => detail)).toContain('Pod QOS Class may not change as a result of resizing');
  });
});

describe('the cost', () => {
  it('is a few microseconds for an ordinary pod', () => {
    const pod = podOf() as unknown as Pod as unknown as ApiObject;
    const context = contextOf();
    for (let round = 0; round < 20_000; round++) validation.validate!(pod, context);
    // The best of several rounds: other work on the machine only adds to the others.
    const costs = Array.from({ length: 5 }, () => {
      const before = process.cpuUsage();
      for (let round = 0; round < 2000; round++) validation.validate!(pod, context);
      return process.cpuUsage(before).user / 2000;
    });
    expect(Math.min(...costs)).toBeLessThan(60);
  });
});
