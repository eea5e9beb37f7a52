import { describe, expect, it } from 'vitest';
import type { PodSpec } from '../../../../src/api/generated/types.ts';
import {
  type ApiObject,
  createKindRegistry,
  prepareForCreate,
  prepareForUpdate,
  type StrategyContext,
} from '../../../../src/api/kinds/index.ts';

const registry = createKindRegistry();
const context: StrategyContext = {
  now: '2026-01-01T00:00:00Z',
  nowMs: 0,
  uuid: () => 'u',
  suffix: () => 'x',
  dryRun: false,
};
const preStop = { exec: { command: ['x'] } };
const using = (): PodSpec =>
  ({
    containers: [
      { name: 'a', lifecycle: { stopSignal: 'SIGUSR1' } },
      { name: 'b', lifecycle: { stopSignal: 'SIGUSR1', preStop } },
    ],
    volumes: [
      {
        name: 'v',
        projected: {
          sources: [
            { clusterTrustBundle: { name: 't', path: 'p' } },
            { podCertificate: { signerName: 'a/b', keyType: 'ED25519' } },
            { configMap: { name: 'm' } },
          ],
        },
      },
    ],
  }) as PodSpec;
const without = (): PodSpec =>
  ({
    containers: [{ name: 'a' }, { name: 'b', lifecycle: { preStop } }],
    volumes: [{ name: 'v', projected: { sources: [{}, {}, { configMap: { name: 'm' } }] } }],
  }) as PodSpec;

const wraps: Readonly<Record<string, (pod: PodSpec) => object>> = {
  pods: (pod) => ({ spec: pod }),
  podtemplates: (pod) => ({ template: { spec: pod } }),
  replicationcontrollers: (pod) => ({ spec: { template: { spec: pod } } }),
  deployments: (pod) => ({ spec: { template: { spec: pod } } }),
  replicasets: (pod) => ({ spec: { template: { spec: pod } } }),
  statefulsets: (pod) => ({ spec: { template: { spec: pod } } }),
  daemonsets: (pod) => ({ spec: { template: { spec: pod } } }),
  jobs: (pod) => ({ spec: { manualSelector: true, template: { spec: pod } } }),
  cronjobs: (pod) => ({ spec: { jobTemplate: { spec: { template: { spec: pod } } } } }),
};
const groupOf = (resource: string): string =>
  /^pod|^replicationc/.test(resource) ? '' : /job/.test(resource) ? 'batch' : 'apps';
const kindOf = (resource: string) => registry.byResource(groupOf(resource), 'v1', resource)!;
const objectOf = (resource: string, pod: PodSpec): ApiObject =>
  ({ metadata: { name: 'x' }, ...wraps[resource]!(pod) }) as unknown as ApiObject;

describe.each(Object.keys(wraps))('fields of features that are off, in %s', (resource) => {
  it('go from what is new', () => {
    const object = objectOf(resource, using());
    prepareForCreate(kindOf(resource), object, context);
    expect(object).toMatchObject(wraps[resource]!(without()));
    expect(JSON.stringify(object)).not.toMatch(/stopSignal|clusterTrustBundle|podCertificate/);
  });

  it('go from updates that add them, and count for nothing there', () => {
    const previous = objectOf(resource, without());
    previous.metadata.generation = 1;
    const object = objectOf(resource, using());
    prepareForUpdate(kindOf(resource), object, previous, context);
    expect(JSON.stringify(object)).not.toMatch(/stopSignal|clusterTrustBundle|podCertificate/);
  });

  it('stay where they are stored', () => {
    const object = objectOf(resource, using());
    prepareForUpdate(kindOf(resource), object, objectOf(resource, using()), context);
    expect(object).toMatchObject(wraps[resource]!(using()));
  });
});

describe('the number of pods that a stateful set may miss', () => {
  const set = (maxUnavailable?: number): ApiObject =>
    ({
      metadata: { name: 'x' },
      spec: { updateStrategy: { rollingUpdate: { partition: 0, ...(maxUnavailable && { maxUnavailable }) } } },
    }) as unknown as ApiObject;

  it('is dropped unless it is stored', () => {
    const created = set(2);
    prepareForCreate(kindOf('statefulsets'), created, context);
    expect(created.spec).toEqual(set().spec);
    const updated = set(2);
    prepareForUpdate(kindOf('statefulsets'), updated, set(3), context);
    expect(updated.spec).toEqual(set(2).spec);
  });
});
