/** Which workloads the flags choose: by file and folder, name, label and size. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type ChoiceFlags, chooseWorkloads } from '../../bench/choice.ts';

const root = mkdtempSync(join(tmpdir(), 'kubehive-choice-'));

function add(folder: string, text: string): void {
  mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, folder, 'performance-config.yaml'), text);
}

add(
  'misc',
  `
- name: Basic
  workloadTemplate: [{ opcode: createNodes, countParam: $nodes }]
  workloads:
    - { name: 5000Nodes, labels: [performance], params: { nodes: 5000 } }
    - { name: 500Nodes, labels: [performance, short], params: { nodes: 500 } }
    - { name: 500Nodes_HintsEnabled, labels: [performance, short], params: { nodes: 500 } }
- name: Basic.Two
  workloadTemplate: [{ opcode: createNodes, countParam: $nodes }]
  workloads: [{ name: 5/Nodes, labels: [integration-test], params: { nodes: 5 } }]
`,
);
add(
  'dra/taints',
  '- { name: Basic, workloadTemplate: [{ opcode: sleep, duration: 1s }], workloads: [{ name: fast, params: { n: 1 } }] }\n',
);
// Of another name: no file of workloads.
writeFileSync(join(root, 'misc/scheduler-config.yaml'), '{}');

const chosen = (flags: ChoiceFlags, ...paths: string[]): string[] =>
  chooseWorkloads(paths.length === 0 ? [root] : paths, flags).map(
    (one) => `${one.set} ${one.case} ${one.workload} ${one.topic}`,
  );

describe('the choice of workloads', () => {
  it('finds every file of a folder, and takes files as they are named', () => {
    expect(chosen({})).toEqual([
      'dra/taints Basic fast taints',
      'misc Basic 5000Nodes misc',
      'misc Basic 500Nodes misc',
      'misc Basic 500Nodes_HintsEnabled misc',
      'misc Basic.Two 5/Nodes misc',
    ]);
    expect(chosen({ topic: 't' }, join(root, 'dra/taints/performance-config.yaml'))).toEqual(['taints Basic fast t']);
    expect(chosen({ case: 'Basic', workload: 'fast' }, join(root, 'misc'), join(root, 'dra'))).toHaveLength(1);
  });

  it('takes names with stars, and leaves out those with an exclamation mark', () => {
    expect(chosen({ workload: '500*,!*Enabled' })).toEqual(['misc Basic 5000Nodes misc', 'misc Basic 500Nodes misc']);
    expect(chosen({ case: '!Basic' })).toEqual(['misc Basic.Two 5/Nodes misc']);
    expect(chosen({ case: 'Basic.*' })).toEqual(['misc Basic.Two 5/Nodes misc']);
    expect(() => chosen({ case: 'BasicXTwo' })).toThrow(/no workload is called BasicXTwo/);
  });

  it('takes all labels of a list, and none with a minus', () => {
    expect(chosen({ labels: 'performance,-short' })).toEqual(['misc Basic 5000Nodes misc']);
    expect(chosen({ labels: '+integration-test' })).toEqual(['misc Basic.Two 5/Nodes misc']);
    expect(() => chosen({ labels: 'none' })).toThrow(/with labels none/);
  });

  it('takes the smallest of each case of each file, and orders by size', () => {
    expect(chosen({ smallest: true })).toEqual([
      'dra/taints Basic fast taints',
      'misc Basic 500Nodes misc',
      'misc Basic.Two 5/Nodes misc',
    ]);
    expect(chosen({ smallestFirst: true, labels: '-short' }).map((one) => one.split(' ')[2])).toEqual([
      'fast',
      '5/Nodes',
      '5000Nodes',
    ]);
  });
});
