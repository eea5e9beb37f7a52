import { describe, expect, it } from 'vitest';
import { createKindRegistry } from '../../../src/api/kinds/index.ts';
import { tableOfKind } from '../../../src/api/tables/index.ts';

const table = tableOfKind(createKindRegistry().byResource('', 'v1', 'pods')!);
const nowMs = Date.parse('2026-01-01T01:00:00Z');

function row(status: object, spec: object = {}, metadata: object = {}): unknown[] {
  return table.row(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', creationTimestamp: '2026-01-01T00:55:00Z', ...metadata },
      spec: { containers: [{ name: 'c' }], ...spec },
      status,
    },
    { nowMs },
  );
}

/** Name, ready, status, restarts, age. */
const narrow = (...args: Parameters<typeof row>) => row(...args).slice(1, 4);

describe('the table of pods', () => {
  it('shows a pod that waits for a node', () => {
    expect(row({ phase: 'Pending' })).toEqual([
      'p',
      '0/1',
      'Pending',
      '0',
      '5m',
      '<none>',
      '<none>',
      '<none>',
      '<none>',
    ]);
  });

  it('shows where a running pod runs, and its readiness gates', () => {
    const cells = row(
      {
        phase: 'Running',
        podIPs: [{ ip: '10.0.0.1' }],
        nominatedNodeName: 'm',
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'example.com/a', status: 'True' },
          { type: 'example.com/b', status: 'False' },
        ],
        containerStatuses: [{ name: 'c', ready: true, restartCount: 0, state: { running: {} } }],
      },
      { nodeName: 'n', readinessGates: [{ conditionType: 'example.com/a' }, { conditionType: 'example.com/b' }] },
    );
    expect(cells).toEqual(['p', '1/1', 'Running', '0', '5m', '10.0.0.1', 'n', 'm', '1/2']);
  });

  it('counts restarts and says when the last one was', () => {
    expect(
      narrow({
        phase: 'Running',
        containerStatuses: [
          {
            name: 'c',
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:58:00Z' } },
          },
        ],
      }),
    ).toEqual(['0/1', 'CrashLoopBackOff', '3 (2m ago)']);
  });

  it.each([
    [{ state: { running: {} } }, 'Init:0/2'],
    [{ state: { waiting: { reason: 'PodInitializing' } } }, 'Init:0/2'],
    [{ state: { waiting: { reason: 'ImagePullBackOff' } } }, 'Init:ImagePullBackOff'],
    [{ state: { terminated: { exitCode: 3, reason: 'Error' } } }, 'Init:Error'],
    [{ state: { terminated: { exitCode: 3 } } }, 'Init:ExitCode:3'],
    [{ state: { terminated: { exitCode: 3, signal: 9 } } }, 'Init:Signal:9'],
  ])('shows what holds initialization up: %j', (status, reason) => {
    const initContainers = [{ name: 'i' }, { name: 'j' }];
    const initContainerStatuses = [{ name: 'i', restartCount: 0, ...status }];
    expect(narrow({ phase: 'Pending', initContainerStatuses }, { initContainers })).toEqual(['0/1', reason, '0']);
  });

  it('counts sidecars among the containers', () => {
    const initContainers = [{ name: 's', restartPolicy: 'Always' }];
    const initContainerStatuses = [{ name: 's', started: true, ready: true, restartCount: 2, state: { running: {} } }];
    const containerStatuses = [{ name: 'c', ready: true, restartCount: 1, state: { running: {} } }];
    expect(narrow({ phase: 'Running', initContainerStatuses, containerStatuses }, { initContainers })).toEqual([
      '2/2',
      'Running',
      '3',
    ]);
  });

  it('does not call a pod completed while a container runs', () => {
    const containerStatuses = [
      { name: 'a', restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      { name: 'b', ready: true, restartCount: 0, state: { running: {} } },
    ];
    expect(narrow({ phase: 'Running', containerStatuses })[1]).toBe('NotReady');
    const conditions = [{ type: 'Ready', status: 'True' }];
    expect(narrow({ phase: 'Running', containerStatuses, conditions })[1]).toBe('Running');
  });

  it('shows deletion, but not of a pod that has ended', () => {
    const metadata = { deletionTimestamp: '2026-01-01T01:00:10Z' };
    expect(narrow({ phase: 'Running' }, {}, metadata)[1]).toBe('Terminating');
    expect(narrow({ phase: 'Running', reason: 'NodeLost' }, {}, metadata)[1]).toBe('Unknown');
    expect(narrow({ phase: 'Failed', reason: 'Evicted' }, {}, metadata)[1]).toBe('Evicted');
  });

  it('marks ended pods with a condition', () => {
    const conditionsOf = (phase: string) =>
      table.conditions!({ apiVersion: 'v1', kind: 'Pod', metadata: {}, status: { phase } });
    expect(conditionsOf('Succeeded')).toEqual([
      { type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' },
    ]);
    expect(conditionsOf('Failed')[0]?.reason).toBe('Failed');
    expect(conditionsOf('Running')).toEqual([]);
  });
});
