/** Which node is preempted on, and which pods go. */
import { expect, test } from 'vitest';
import { type Candidate, candidatesWanted, makePodInfo, NodeTable, pickCandidate } from '../../src/scheduling/index.ts';
import { makePod } from '../support/scheduling.ts';

const table = new NodeTable();
let serial = 0;
const victim = (priority: number, startTime = '2026-01-01T00:00:00Z') => {
  const pod = makePod(`v${serial++}`, { priority });
  pod.status = { ...pod.status, startTime };
  return makePodInfo(pod, table.index);
};
const candidate = (nodeName: string, priorities: readonly number[], violations = 0, startTime?: string): Candidate => ({
  row: 0,
  nodeName,
  victims: priorities.map((priority) => victim(priority, startTime)),
  violations,
});
const pick = (...candidates: Candidate[]) => pickCandidate(candidates, Date.parse('2026-06-01T00:00:00Z'))?.nodeName;

test.each([
  ['fewest budget violations', [candidate('a', [1], 1), candidate('b', [5, 5])], 'b'],
  ['lowest highest priority', [candidate('a', [9]), candidate('b', [5, 5, 5])], 'b'],
  ['lowest sum of priorities', [candidate('a', [5, 4]), candidate('b', [5, 3])], 'b'],
  ['a low priority still costs something', [candidate('a', [-5, -5]), candidate('b', [-5])], 'b'],
  [
    'latest start of the most important victims',
    [candidate('a', [5], 0, '2026-01-01T00:00:00Z'), candidate('b', [5], 0, '2026-02-01T00:00:00Z')],
    'b',
  ],
  ['the first when all are alike', [candidate('a', [5]), candidate('b', [5])], 'a'],
])('%s', (_name, candidates, expected) => {
  expect(pick(...candidates)).toBe(expected);
});

test('no candidates, no node', () => {
  expect(pick()).toBeUndefined();
});

test('a tenth of the nodes is tried, but at least a hundred of them', () => {
  expect([candidatesWanted(50, 10, 100), candidatesWanted(500, 10, 100), candidatesWanted(5000, 10, 100)]).toEqual([
    50, 100, 500,
  ]);
});
