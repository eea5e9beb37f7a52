import { describe, expect, it } from 'vitest';
import type { Pod } from '../../src/api/index.ts';
import { nextAvailableInMs, rankForDeletion } from '../../src/controller/index.ts';

const nowMs = Date.parse('2026-01-01T12:00:00Z');

interface Traits {
  readonly node?: string;
  readonly phase?: string;
  readonly readySince?: string;
  readonly cost?: string;
  readonly restarts?: number;
  readonly created?: string;
}

function pod(name: string, traits: Traits = {}): Pod {
  const { node = 'n', phase = 'Running', readySince = '2026-01-01T10:00:00Z', cost, restarts = 0 } = traits;
  return {
    metadata: {
      name,
      uid: name,
      creationTimestamp: traits.created ?? '2026-01-01T09:00:00Z',
      ...(cost === undefined ? {} : { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
    },
    spec: { containers: [], ...(node === '' ? {} : { nodeName: node }) },
    status: {
      phase,
      conditions:
        readySince === ''
          ? [{ type: 'Ready', status: 'False' }]
          : [{ type: 'Ready', status: 'True', lastTransitionTime: readySince }],
      containerStatuses: [{ name: 'c', image: 'i', imageID: '', ready: true, restartCount: restarts }],
    },
  } as Pod;
}

const order = (pods: readonly Pod[], rankOf: (pod: Pod) => number = () => 0) =>
  rankForDeletion(pods, rankOf, nowMs).map(({ metadata }) => metadata?.name);

describe('the wait for availability', () => {
  const since = (time: string) => pod('p', { readySince: time });
  const longAgo = since('2026-01-01T10:00:00Z');

  it('is that of the pod that is next', () => {
    const pods = [since('2026-01-01T11:59:50Z'), longAgo, since('2026-01-01T11:59:40Z'), since('')];
    expect(nextAvailableInMs(pods, 30, nowMs)).toBe(10_000);
    expect(nextAvailableInMs([since('2026-01-01T11:59:30Z')], 30, nowMs)).toBeUndefined();
  });

  it('is none where no pod has to be ready for a time, or none is that is not available', () => {
    expect(nextAvailableInMs([since('2026-01-01T11:59:50Z')], 0, nowMs)).toBeUndefined();
    expect(nextAvailableInMs([longAgo, since('')], 30, nowMs)).toBeUndefined();
  });
});

describe('the order of deletion', () => {
  it('is unassigned, pending, not ready, cheap, doubled up, lately ready, and then the rest', () => {
    const pods = [
      pod('old'),
      pod('lately-ready', { readySince: '2026-01-01T11:59:00Z' }),
      pod('doubled', { node: 'crowded' }),
      pod('cheap', { cost: '-5' }),
      pod('not-ready', { readySince: '' }),
      pod('pending', { phase: 'Pending', readySince: '' }),
      pod('unassigned', { node: '', phase: 'Pending', readySince: '' }),
    ];
    const rankOf = ({ spec }: Pod) => (spec?.nodeName === 'crowded' ? 2 : 1);
    const expected = ['unassigned', 'pending', 'not-ready', 'cheap', 'doubled', 'lately-ready', 'old'];
    expect(order(pods, rankOf)).toEqual(expected);
    expect(order(pods.toReversed(), rankOf)).toEqual(expected);
  });

  it('takes those that restarted more, then the younger ones', () => {
    expect(order([pod('a'), pod('b', { restarts: 3 })])).toEqual(['b', 'a']);
    expect(order([pod('a'), pod('b', { created: '2026-01-01T11:59:00Z' })])).toEqual(['b', 'a']);
  });

  it('leaves it to the uid among those ready about equally long, whatever their restarts', () => {
    const close = pod('b', { readySince: '2026-01-01T10:00:01Z', restarts: 9 });
    expect(order([close, pod('a')])).toEqual(['a', 'b']);
  });

  it('goes by no cost that is not a whole number', () => {
    expect(order([pod('a'), pod('b', { cost: '-1.5' })])).toEqual(['a', 'b']);
  });
});
