import { describe, expect, it } from 'vitest';
import { prepareForUpdate } from '../../../../src/api/kinds/index.ts';
import { context, created, kindOf, updated, warningsOf } from '../fixtures.ts';

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } };
const deployments = kindOf('apps', 'deployments');
const statefulSets = kindOf('apps', 'statefulsets');
const daemonSets = kindOf('apps', 'daemonsets');
const controllers = kindOf('', 'replicationcontrollers');

describe('defaults of workloads', () => {
  it('complete a deployment', () => {
    expect(created(deployments, { spec: { template } })).toMatchObject({
      metadata: { generation: 1 },
      spec: {
        replicas: 1,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'IfNotPresent' }] } },
      },
      status: {},
    });
  });

  it('keep what a deployment says, zero included', () => {
    const spec = {
      replicas: 0,
      revisionHistoryLimit: 0,
      strategy: { type: 'Recreate' },
      template,
    };
    expect(created(deployments, { spec }).spec).toMatchObject(spec);
    const rolling = { strategy: { rollingUpdate: { maxSurge: 0 } }, template };
    expect(created(deployments, { spec: rolling }).spec).toMatchObject({
      strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '25%' } },
    });
  });

  it('do not give templates what only pods have', () => {
    const limits = { limits: { cpu: '1' } };
    const { spec } = created(deployments, {
      spec: { template: { spec: { containers: [{ name: 'c', resources: limits }] } } },
    }) as unknown as { spec: { template: { spec: Record<string, unknown> & { containers: object[] } } } };
    expect(spec.template.spec).not.toHaveProperty('enableServiceLinks');
    expect(spec.template.spec.containers[0]).toMatchObject({ resources: limits });
    expect(spec.template.spec.containers[0]).not.toHaveProperty('resources.requests');
  });

  it('complete a stateful set and the claims of its pods', () => {
    const claim = { metadata: { name: 'd' }, spec: { accessModes: ['ReadWriteOnce'] } };
    expect(created(statefulSets, { spec: { template, volumeClaimTemplates: [claim] } })).toMatchObject({
      spec: {
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
        volumeClaimTemplates: [
          {
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            spec: { volumeMode: 'Filesystem' },
            status: { phase: 'Pending' },
          },
        ],
      },
      status: { replicas: 0, availableReplicas: 0 },
    });
    expect(created(statefulSets, { spec: { template, updateStrategy: { type: 'OnDelete' } } }).spec).toMatchObject({
      updateStrategy: { type: 'OnDelete' },
    });
  });

  it('label a replication controller as its pods', () => {
    expect(created(controllers, { spec: { template } })).toMatchObject({
      metadata: { labels: { app: 'x' } },
      spec: { replicas: 1, selector: { app: 'x' } },
      status: { replicas: 0 },
    });
    const own = { metadata: { labels: { a: 'b' } }, spec: { selector: { c: 'd' }, template } };
    expect(created(controllers, own)).toMatchObject({
      metadata: { labels: { a: 'b' } },
      spec: { selector: { c: 'd' } },
    });
  });
});

describe('daemon sets', () => {
  it('count changes of their template in an annotation', () => {
    const key = 'deprecated.daemonset.template.generation';
    const first = created(daemonSets, { spec: { template } });
    expect(first.metadata['annotations']).toEqual({ [key]: '1' });
    const same = updated(daemonSets, { spec: { template } }, { spec: { template, minReadySeconds: 5 } });
    expect(same.metadata).toMatchObject({ generation: 2, annotations: { [key]: '1' } });
    const other = structuredClone(first);
    (other['spec'] as { template: typeof template }).template.spec.containers[0]!.image = 'i:2';
    prepareForUpdate(daemonSets, other, first, context);
    expect(other.metadata).toMatchObject({ generation: 2, annotations: { [key]: '2' } });
  });
});

describe('warnings for workloads', () => {
  it('name the place in the template', () => {
    const spread = { topologySpreadConstraints: [{ topologyKey: 'zone' }], containers: [] };
    expect(warningsOf(deployments, { spec: { template: { spec: spread } } })).toEqual([
      'spec.template.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
    ]);
    expect(warningsOf(kindOf('', 'podtemplates'), { template: { spec: spread } })).toEqual([
      'template.spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
    ]);
  });
});

describe('field labels of workloads', () => {
  it('are status.replicas of replication controllers, and none of replica sets', () => {
    const read = controllers.selectableFields!['status.replicas']!;
    expect(read({ apiVersion: '', kind: '', metadata: {}, status: { replicas: 3 } })).toBe('3');
    expect(read({ apiVersion: '', kind: '', metadata: {} })).toBe('0');
    expect(kindOf('apps', 'replicasets').selectableFields).toBeUndefined();
  });
});
