import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cannotRun } from '../../bench/abilities.ts';
import { BenchConfigError, readWorkloads, smallestOfEach } from '../../bench/config.ts';

const write = (text: string): string => {
  const path = join(mkdtempSync(join(tmpdir(), 'kubehive-bench-')), 'performance-config.yaml');
  writeFileSync(path, text);
  return path;
};

const sample = `
- name: Sample
  labels: [performance]
  featureGates: { A: true }
  defaultPodTemplatePath: ../templates/pod.yaml
  workloadTemplate:
    - { opcode: createNodes, countParam: $nodes, nodeTemplatePath: node.yaml }
    - opcode: createPodSets
      countParam: $sets
      namespacePrefix: ns
      createPodsOp: { opcode: createPods, countParam: $pods, podTemplatePath: pod.yaml }
    - { opcode: sleep, durationParam: $pause }
    - { opcode: churn, mode: create, templatePaths: [a.yaml, /b.yaml] }
  workloads:
    - { name: small, labels: [short], featureGates: { B: false }, threshold: 270, params: { nodes: 5, sets: 2, pods: 3, pause: 2s } }
    - { name: large, params: { nodes: 5000, sets: 20, pods: 30, pause: 1m } }
`;

describe('benchmark configurations', () => {
  it('become workloads with parameters filled in and paths beside the file, pod sets spread out', () => {
    const path = write(sample);
    const folder = join(path, '..');
    const [small, large] = readWorkloads(path);
    expect(small).toMatchObject({
      case: 'Sample',
      workload: 'small',
      labels: ['performance', 'short'],
      featureGates: { A: true, B: false },
      threshold: 270,
    });
    expect(small?.defaultPodTemplatePath).toBe(join(folder, '../templates/pod.yaml'));
    expect(small?.operations).toEqual([
      { opcode: 'createNodes', count: 5, nodeTemplatePath: join(folder, 'node.yaml') },
      { opcode: 'createPods', count: 3, podTemplatePath: join(folder, 'pod.yaml'), namespace: 'ns-0' },
      { opcode: 'createPods', count: 3, podTemplatePath: join(folder, 'pod.yaml'), namespace: 'ns-1' },
      { opcode: 'sleep', duration: '2s' },
      { opcode: 'churn', mode: 'create', templatePaths: [join(folder, 'a.yaml'), '/b.yaml'] },
    ]);
    expect(large?.operations[0]).toMatchObject({ count: 5000 });
    expect(large?.threshold).toBe(0);
  });

  it('take thresholds by topic and for any figure, parameters for templates, and counts multiplied', () => {
    const path = write(`
- name: Wide
  defaultThresholdMetricSelector: { name: scheduler_scheduling_attempt_duration_seconds, dataBucket: Perc99, expectLower: true }
  metricsCollectorConfig: { metrics: { scheduler_scheduling_attempt_duration_seconds: [{ label: result, values: [scheduled] }] } }
  workloadTemplate:
    - { opcode: createPods, countParam: $groups, countMultiplierParam: $each, templateParams: { size: $each, kind: web } }
  workloads:
    - { name: many, threshold: { dra: 40 }, params: { groups: 7, each: 3 } }
    - { name: few, threshold: 9, thresholdMetricSelector: { name: SchedulingThroughput, dataBucket: Perc50 }, params: { groups: 2, each: 3 } }
`);
    const [many, few] = readWorkloads(path, 'dra');
    expect(many?.operations).toEqual([
      expect.objectContaining({ opcode: 'createPods', count: 21, templateParams: { size: 3, kind: 'web' } }),
    ]);
    expect(many).toMatchObject({ threshold: 40, thresholdMetric: { dataBucket: 'Perc99', expectLower: true } });
    expect(many?.metrics).toEqual({
      scheduler_scheduling_attempt_duration_seconds: [{ label: 'result', values: ['scheduled'] }],
    });
    expect(few).toMatchObject({ threshold: 9, thresholdMetric: { dataBucket: 'Perc50', expectLower: false } });
    expect(readWorkloads(path, 'elsewhere')[0]?.threshold).toBe(0);
    expect(smallestOfEach([many!, few!]).map(({ workload }) => workload)).toEqual(['few']);
  });

  it('name the parameter that a workload does not give', () => {
    expect(() => readWorkloads(write(sample.replace('pods: 3, ', '')))).toThrow(
      /Sample\/small: createPods asks for the parameter \$pods/,
    );
  });

  it('say where a file is not of the format', () => {
    expect(() => readWorkloads(write('- name: x\n'))).toThrow(BenchConfigError);
    expect(() => readWorkloads(write('{a: ['))).toThrow(BenchConfigError);
    expect(() => readWorkloads('/nowhere.yaml')).toThrow(/nowhere/);
  });

  it("include the project's own set, at 500, 5000 and 15,000 nodes", () => {
    const own = readWorkloads(join(import.meta.dirname, '../../bench/workloads/performance-config.yaml'));
    const names = [...new Set(own.map((workload) => workload.case))];
    expect(names).toEqual([
      'SchedulingBasic',
      'NodeAffinity',
      'PodAffinity',
      'PodAntiAffinity',
      'TopologySpreading',
      'PreemptionBasic',
      'Unschedulable',
      'MixedChurn',
      'PreferredPodAffinity',
      'PreferredPodAntiAffinity',
      'PodAntiAffinityNamespaces',
      'PodAffinityNamespaces',
      'PreferredPodAffinityNamespaces',
      'PreferredPodAntiAffinityNamespaces',
      'TopologySpreadingHosts',
      'PreferredTopologySpreading',
      'DefaultTopologySpreading',
      'Taints',
      'Secrets',
      'InTreeVolumes',
      'CSIVolumes',
      'DaemonSet',
      'ExtendedResources',
      'DynamicResources',
      'Gated',
      'PreemptionAsync',
      'PreemptionVolumes',
      'EventHandling',
      'Gangs',
      'Memory',
    ]);
    expect(own.filter((workload) => cannotRun(workload) !== undefined)).toEqual([]);
    for (const name of names.filter((one) => one !== 'Memory')) {
      const sizes = own.filter((workload) => workload.case === name).map((workload) => workload.workload);
      expect(sizes).toEqual(expect.arrayContaining(['500Nodes', '5000Nodes', '15000Nodes']));
    }
  });
});
