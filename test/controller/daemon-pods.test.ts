import { describe, expect, it } from 'vitest';
import type { Toleration } from '../../src/api/index.ts';
import { daemonTemplate } from '../../src/controller/index.ts';

const template = (tolerations: Toleration[], hostNetwork = false) => ({
  metadata: { labels: { app: 'd' } },
  spec: { hostNetwork, tolerations, containers: [{ name: 'c', image: 'pause:1' }] },
});
const tolerationsOf = (tolerations: Toleration[], hostNetwork = false) =>
  daemonTemplate({ spec: { selector: {}, template: template(tolerations, hostNetwork) } }, 'n1', 'h').spec?.tolerations;

const notReady = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' };

describe('the tolerations of daemon pods', () => {
  it('come after those of the template', () => {
    const own = { key: 'own', operator: 'Exists' };
    expect(tolerationsOf([own])?.map(({ key }) => key)).toEqual([
      'own',
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unreachable',
      'node.kubernetes.io/disk-pressure',
      'node.kubernetes.io/memory-pressure',
      'node.kubernetes.io/pid-pressure',
      'node.kubernetes.io/unschedulable',
    ]);
    expect(tolerationsOf([own], true)?.at(-1)?.key).toBe('node.kubernetes.io/network-unavailable');
  });

  it('take the place of the same one with a time', () => {
    const last = { key: 'last', operator: 'Exists' };
    expect(tolerationsOf([{ ...notReady, tolerationSeconds: 5 }, last])?.slice(0, 2)).toEqual([notReady, last]);
  });

  it('leave one of another operator alone', () => {
    const equal = { ...notReady, operator: 'Equal', value: 'x' };
    const found = tolerationsOf([equal])?.filter(({ key }) => key === notReady.key);
    expect(found).toEqual([equal, notReady]);
  });
});
