/** What a workload may ask for, and what becomes of the rest. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cannotRun, claimsDevices, gatesOf, runtimeConfigOf } from '../../bench/abilities.ts';
import { readWorkloads, type Workload } from '../../bench/config.ts';

const directory = mkdtempSync(join(tmpdir(), 'kubehive-bench-'));

function workload(operations: string, gates = '{}', template = ''): Workload {
  writeFileSync(join(directory, 'template.yaml'), template);
  const path = join(directory, 'performance-config.yaml');
  writeFileSync(
    path,
    `[{ name: Case, featureGates: ${gates}, workloadTemplate: [${operations}], workloads: [{ name: one }] }]`,
  );
  return readWorkloads(path)[0]!;
}

const createAny = '{ opcode: createAny, templatePath: template.yaml }';

describe('a workload', () => {
  it('is refused for an opcode or a kind that there is not', () => {
    expect(cannotRun(workload('{ opcode: juggle }'))).toBe('opcode juggle is not supported');
    expect(cannotRun(workload(createAny, '{}', 'apiVersion: example.com/v1\nkind: Gadget\n'))).toBe(
      'there is no kind Gadget in example.com/v1',
    );
    expect(cannotRun(workload('{ opcode: sleep, duration: 1s }'))).toBeUndefined();
  });

  it('has the alpha and beta versions of its objects switched on', () => {
    const of = (text: string) => runtimeConfigOf(workload(createAny, '{}', text));
    expect(of('apiVersion: resource.k8s.io/v1beta2\nkind: DeviceClass\n')).toEqual({
      'resource.k8s.io/v1beta2': 'true',
    });
    expect(of('apiVersion: v1\nkind: Service\nmetadata: { name: s-{{ .Index }} }\n')).toEqual({});
  });

  it('gets the feature gates that can be set, and is told of the others', () => {
    const { gates, notes } = gatesOf(
      workload('', '{ GenericWorkload: true, GangScheduling: true, SchedulerQueueingHints: false, NoSuchGate: true }'),
    );
    expect(gates).toEqual({ GenericWorkload: true, GangScheduling: true });
    expect(notes).toEqual([
      expect.stringMatching(/^feature gate SchedulerQueueingHints=false is left out: cannot set feature gate/),
      expect.stringMatching(/^feature gate NoSuchGate=true is left out: unrecognized feature gate/),
    ]);
    expect(gatesOf(workload('', '{ SchedulerAsyncPreemption: false }')).notes).toEqual([
      'feature gate SchedulerAsyncPreemption=false has no effect here: ran with true',
    ]);
  });

  it('that claims devices runs with the controller that makes claims', () => {
    expect(claimsDevices(workload(createAny, '{}', 'kind: ResourceClaimTemplate'))).toBe(true);
    expect(claimsDevices(workload(createAny, '{}', 'kind: Service'))).toBe(false);
  });
});
