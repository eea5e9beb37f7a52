import { describe, expect, it } from 'vitest';
import type { Node } from '../../src/api/index.ts';
import { PodAdmission, podRequests } from '../../src/node/pod-admission.ts';
import { boundPod, container } from './fixtures.ts';

const node: Node = { metadata: { name: 'node-1', labels: { disk: 'ssd', cores: '8' } } };
const asking = (requests: Record<string, string>) => container('app', { resources: { requests } });

function admission(): PodAdmission {
  const made = new PodAdmission();
  made.setAllocatable({ cpu: '2', memory: '1Gi', pods: '3' });
  return made;
}

describe('admission', () => {
  it('refuses what does not fit, in upstream words, and admits it when room was made', () => {
    const one = admission();
    const big = boundPod({ containers: [asking({ cpu: '1500m' })] }, { uid: 'big' });
    expect(one.admit(big, node)).toBeUndefined();
    expect(one.admit(boundPod({ containers: [asking({ cpu: '1' })] }, { uid: 'late' }), node)).toEqual({
      reason: 'OutOfcpu',
      message: "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000",
    });
    one.release('big');
    one.release('big');
    expect(
      one.admit(boundPod({ containers: [asking({ cpu: '2', memory: '1Gi' })] }, { uid: 'late' }), node),
    ).toBeUndefined();
  });

  it('counts pods', () => {
    const one = admission();
    for (const uid of ['a', 'b', 'c']) expect(one.admit(boundPod({}, { uid }), node)).toBeUndefined();
    expect(one.admit(boundPod({}, { uid: 'd' }), node)?.reason).toBe('OutOfpods');
  });

  it('leaves extended resources that the node does not know to the cluster', () => {
    const gpu = boundPod({ containers: [asking({ 'example.com/gpu': '1' })] });
    expect(admission().admit(gpu, node)).toBeUndefined();
  });

  it.each([
    [{ nodeSelector: { disk: 'ssd' } }, undefined],
    [{ nodeSelector: { disk: 'hdd' } }, 'NodeAffinity'],
    [affinity({ key: 'cores', operator: 'Gt', values: ['4'] }), undefined],
    [affinity({ key: 'cores', operator: 'Lt', values: ['4'] }), 'NodeAffinity'],
    [affinity({ key: 'disk', operator: 'NotIn', values: ['hdd'] }), undefined],
    [affinity({ key: 'zone', operator: 'Exists' }), 'NodeAffinity'],
    [affinity({ key: 'zone', operator: 'DoesNotExist' }), undefined],
  ])('checks node affinity %j', (spec, reason) => {
    expect(admission().admit(boundPod(spec), node)?.reason).toBe(reason);
  });

  it('refuses a host port that is taken', () => {
    const one = admission();
    const web = container('app', { ports: [{ containerPort: 80, hostPort: 8080 }] });
    expect(one.admit(boundPod({ containers: [web] }, { uid: 'a' }), node)).toBeUndefined();
    expect(one.admit(boundPod({ containers: [web] }, { uid: 'b' }), node)).toEqual({
      reason: 'NodePorts',
      message: "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    });
  });

  it('refuses pods that do not tolerate a NoExecute taint', () => {
    const tainted: Node = { ...node, spec: { taints: [{ key: 'gone', effect: 'NoExecute' }] } };
    expect(admission().admit(boundPod(), tainted)?.reason).toBe('TaintToleration');
    expect(admission().admit(boundPod({ tolerations: [{ operator: 'Exists' }] }), tainted)).toBeUndefined();
  });
});

describe('requests', () => {
  it('take the greater of init and main containers, sidecars with both', () => {
    const pod = boundPod({
      containers: [asking({ cpu: '1' })],
      initContainers: [
        container('setup', { resources: { requests: { cpu: '3' } } }),
        container('proxy', { restartPolicy: 'Always', resources: { requests: { cpu: '500m' } } }),
        container('late', { resources: { requests: { cpu: '2' } } }),
      ],
      overhead: { cpu: '100m' },
    });
    expect(podRequests(pod).get('cpu')).toBe(3100);
  });
});

function affinity(expression: { key: string; operator: string; values?: string[] }) {
  const nodeSelectorTerms = [{ matchExpressions: [expression] }];
  return { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } };
}
