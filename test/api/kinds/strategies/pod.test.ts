import { describe, expect, it } from 'vitest';
import type { Pod } from '../../../../src/api/generated/types.ts';
import {
  type ApiObject,
  createKindRegistry,
  prepareForCreate,
  prepareForStatusUpdate,
  prepareForSubresourceUpdate,
  type StrategyContext,
} from '../../../../src/api/kinds/index.ts';

const kind = createKindRegistry().byResource('', 'v1', 'pods')!;
const strategy = kind.strategy!;
const context: StrategyContext = {
  now: '2026-01-01T00:00:00Z',
  nowMs: 0,
  uuid: () => 'u',
  suffix: () => 'x',
  dryRun: false,
};

function pod(spec: object, more: Record<string, unknown> = {}): ApiObject & Pod {
  const metadata = { name: 'p', ...(more.metadata as object) };
  return { apiVersion: 'v1', kind: 'Pod', ...more, metadata, spec } as ApiObject & Pod;
}

function created(spec: object, more: Record<string, unknown> = {}): ApiObject & Pod {
  const object = pod(spec, more);
  strategy.defaults!(object);
  prepareForCreate(kind, object, context);
  return object;
}

describe('defaults of pods', () => {
  it('complete a minimal pod', () => {
    expect(created({ containers: [{ name: 'c', image: 'nginx:1.25' }] })).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', generation: 1 },
      spec: {
        containers: [
          {
            name: 'c',
            image: 'nginx:1.25',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            imagePullPolicy: 'IfNotPresent',
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        securityContext: {},
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
      },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    });
  });

  it('do nothing the second time', () => {
    const spec = {
      containers: [
        {
          name: 'c',
          image: 'x',
          ports: [{ containerPort: 80 }],
          livenessProbe: { httpGet: { port: 80 } },
          readinessProbe: { grpc: { port: 1 } },
          env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          resources: { limits: { cpu: '1', memory: '100u' } },
        },
      ],
      hostNetwork: true,
      volumes: [{ name: 'a' }, { name: 'b', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }],
    };
    const once = pod(structuredClone(spec));
    strategy.defaults!(once);
    const twice = structuredClone(once);
    strategy.defaults!(twice);
    expect(twice).toEqual(once);
    expect(once.spec!.containers[0]).toMatchObject({
      imagePullPolicy: 'Always',
      ports: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
      livenessProbe: { httpGet: { path: '/', scheme: 'HTTP' }, timeoutSeconds: 1, periodSeconds: 10 },
      readinessProbe: { grpc: { service: '' }, failureThreshold: 3, successThreshold: 1 },
      resources: { limits: { cpu: '1', memory: '1m' }, requests: { cpu: '1', memory: '1m' } },
    });
    expect(once.spec!.volumes).toEqual([
      { name: 'a', emptyDir: {} },
      {
        name: 'b',
        projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] },
      },
    ]);
  });

  it.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1', 'IfNotPresent'],
    ['registry.example.com:5000/team/app', 'Always'],
    ['registry.example.com:5000/team/app:v1', 'IfNotPresent'],
    [`app@sha256:${'0'.repeat(64)}`, 'IfNotPresent'],
    [`app:latest@sha256:${'0'.repeat(64)}`, 'Always'],
    ['NotAnImage', 'IfNotPresent'],
    ['', 'IfNotPresent'],
  ])('pull %s %s', (image, policy) => {
    expect(created({ containers: [{ name: 'c', image }] }).spec!.containers[0]!.imagePullPolicy).toBe(policy);
  });

  it('complete requests of the pod as a whole from its containers and its limits', () => {
    const spec = created({
      containers: [
        { name: 'a', resources: { requests: { cpu: '100m' } } },
        { name: 'b', resources: { requests: { cpu: '200m' } } },
      ],
      initContainers: [{ name: 'i', resources: { requests: { cpu: '1' } } }],
      resources: { limits: { cpu: '2', memory: '1Gi' } },
    }).spec!;
    expect(spec.resources).toEqual({ limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } });
  });
});

describe('a new pod', () => {
  const qos = (...resources: object[]) =>
    created({ containers: resources.map((entry, index) => ({ name: `c${index}`, resources: entry })) }).status!
      .qosClass;

  it('gets its quality of service from requests and limits', () => {
    expect(qos({})).toBe('BestEffort');
    expect(qos({ requests: { cpu: '0' } })).toBe('BestEffort');
    expect(qos({ requests: { cpu: '1' } })).toBe('Burstable');
    expect(qos({ limits: { cpu: '1' } })).toBe('Burstable');
    expect(qos({ limits: { cpu: '1', memory: '1Gi' } })).toBe('Guaranteed');
    expect(qos({ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } })).toBe('Burstable');
    expect(qos({ limits: { cpu: '1', memory: '1Gi' } }, {})).toBe('Burstable');
    expect(qos({ limits: { cpu: '1', memory: '1Gi' } }, { limits: { cpu: '2', memory: '1Mi' } })).toBe('Guaranteed');
    expect(qos({ limits: { cpu: '1', memory: '1024Mi' }, requests: { cpu: '1000m', memory: '1Gi' } })).toBe(
      'Guaranteed',
    );
  });

  it('that is gated says so', () => {
    expect(created({ containers: [], schedulingGates: [{ name: 'g' }] }).status!.conditions).toEqual([
      {
        type: 'PodScheduled',
        status: 'False',
        lastProbeTime: null,
        lastTransitionTime: expect.any(String),
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
      },
    ]);
  });

  it('has the values of its match label keys in its selectors', () => {
    const term = { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'x' } } };
    const object = created(
      {
        containers: [],
        affinity: {
          podAntiAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: [{ ...term, matchLabelKeys: ['hash', 'absent'] }],
          },
        },
      },
      { metadata: { labels: { hash: '123' } } },
    );
    const terms = object.spec!.affinity!.podAntiAffinity!.requiredDuringSchedulingIgnoredDuringExecution!;
    expect(terms[0]!.labelSelector).toEqual({
      matchLabels: { app: 'x' },
      matchExpressions: [{ key: 'hash', operator: 'In', values: ['123'] }],
    });
  });

  it('has AppArmor profiles as fields and as annotations', () => {
    const key = 'container.apparmor.security.beta.kubernetes.io/c';
    const fromField = created({
      containers: [{ name: 'c', securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }],
    });
    expect(fromField.metadata!.annotations).toEqual({ [key]: 'runtime/default' });
    const fromAnnotation = created(
      { containers: [{ name: 'c' }] },
      { metadata: { annotations: { [key]: 'localhost/p' } } },
    );
    expect(fromAnnotation.spec!.containers[0]!.securityContext).toEqual({
      appArmorProfile: { type: 'Localhost', localhostProfile: 'p' },
    });
  });

  it('is warned of AppArmor by annotation alone', () => {
    const key = 'container.apparmor.security.beta.kubernetes.io/c';
    const warned: string[] = [];
    const warning = { ...context, warn: (text: string) => warned.push(text) };
    const create = (spec: object, annotations: object) =>
      prepareForCreate(kind, pod(spec, { metadata: { annotations } }), warning);
    create({ containers: [{ name: 'c', securityContext: { appArmorProfile: { type: 'Unconfined' } } }] }, {});
    expect(warned).toEqual([]);
    create({ containers: [{ name: 'c' }] }, { [key]: 'localhost/p' });
    expect(warned).toEqual([
      `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
    ]);
  });
});

describe('subresources of pods', () => {
  const stored = () =>
    created({ nodeName: 'n', containers: [{ name: 'c', image: 'a:1', resources: { requests: { cpu: '1' } } }] });

  it('resize changes resources and nothing else', () => {
    const previous = stored();
    const next = structuredClone(previous);
    Object.assign(next.spec!.containers[0]!, { image: 'b:1', resources: { requests: { cpu: '2' } } });
    next.spec!.nodeName = 'other';
    next.metadata!.labels = { a: 'b' };
    prepareForSubresourceUpdate(kind, 'resize', next, previous, context);
    const expected = structuredClone(previous);
    expected.spec!.containers[0]!.resources = { requests: { cpu: '2' } };
    expected.metadata!.generation = 2;
    expect(next).toEqual(expected);
    expect(previous).toEqual(stored());
  });

  it('resize leaves other containers for validation to refuse', () => {
    const previous = stored();
    const next = structuredClone(previous);
    next.spec!.containers = [{ name: 'other', image: 'b:1' }];
    prepareForSubresourceUpdate(kind, 'resize', next, previous, context);
    expect(next.spec!.containers.map(({ name }) => name)).toEqual(['other']);
  });

  it('ephemeralcontainers adds containers and nothing else', () => {
    const previous = stored();
    const next = structuredClone(previous);
    next.spec!.ephemeralContainers = [{ name: 'debug', image: 'busybox' }];
    next.spec!.containers[0]!.image = 'b:1';
    prepareForSubresourceUpdate(kind, 'ephemeralcontainers', next, previous, context);
    expect(next.spec!.containers[0]!.image).toBe('a:1');
    expect(next.spec!.ephemeralContainers).toHaveLength(1);
    expect(next.metadata!.generation).toBe(2);
  });

  it('status keeps the spec, the quality of service and observed generations', () => {
    const previous = stored();
    Object.assign(previous.status!, {
      observedGeneration: 1,
      conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }],
    });
    const next = structuredClone(previous);
    next.spec!.nodeName = 'other';
    next.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] };
    prepareForStatusUpdate(kind, next, previous, context);
    expect(next.spec!.nodeName).toBe('n');
    expect(next.status).toEqual({
      phase: 'Running',
      qosClass: 'Burstable',
      observedGeneration: 1,
      conditions: [{ type: 'Ready', status: 'False', observedGeneration: 1 }],
    });
  });
});

describe('deletion of pods', () => {
  const grace = (spec: object, status: object, requested?: number) =>
    strategy.gracePeriodSeconds!(pod(spec, { status }), requested);

  it('waits for scheduled pods that have not ended', () => {
    const spec = { nodeName: 'n', terminationGracePeriodSeconds: 30 };
    expect(grace(spec, {})).toBe(30);
    expect(grace(spec, {}, 5)).toBe(5);
    expect(grace(spec, {}, -1)).toBe(1);
    expect(grace(spec, { phase: 'Failed' })).toBe(0);
    expect(grace({ terminationGracePeriodSeconds: 30 }, {}, 60)).toBe(0);
  });
});

describe('warnings for pods', () => {
  const warnings = (spec: object, metadata: object = {}) => strategy.warnings!(pod(spec, { metadata }), undefined);

  it('name what will not do what it seems to', () => {
    expect(
      warnings({
        containers: [
          {
            name: 'c',
            ports: [
              { containerPort: 80, protocol: 'TCP' },
              { containerPort: 80, protocol: 'TCP' },
            ],
            env: [
              { name: 'A', value: '1' },
              { name: 'A', value: '2' },
              { name: 'A', value: '$(A)3' },
            ],
            resources: { limits: { memory: '1500m' } },
          },
        ],
        nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
        terminationGracePeriodSeconds: -1,
        topologySpreadConstraints: [{ topologyKey: 'zone' }],
        volumes: [{ name: 'g', gitRepo: { repository: 'r' } }],
      }),
    ).toEqual([
      'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
      'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
      'spec.volumes[0].gitRepo: deprecated in v1.11',
      'spec.containers[0].resources.limits[memory]: fractional byte value "1500m" is invalid, must be an integer',
      'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
      'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
      'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
    ]);
  });

  it('name host addresses that no port is bound to', () => {
    const containers = [{ name: 'c', ports: [{ containerPort: 80, hostIP: '10.0.0.1' }] }];
    expect(warnings({ containers })).toEqual([
      'spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol: HostIP:10.0.0.1}',
    ]);
  });

  it('are none for an ordinary pod', () => {
    expect(warnings({ containers: [{ name: 'c', resources: { limits: { memory: '1Gi', cpu: '1500m' } } }] })).toEqual(
      [],
    );
  });
});
