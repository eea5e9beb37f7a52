/** Feature gates: what may be asked for, and what is refused in upstream's words. */
import { expect, test } from 'vitest';
import { FeatureGates, parseConfiguration, parseFeatureGates } from '../../src/scheduling/index.ts';

test('by default the gates are as release 1.36 has them', () => {
  const gates = FeatureGates.from();
  expect(gates.enabled('NodeDeclaredFeatures')).toBe(true);
  expect(gates.enabled('DRAExtendedResource')).toBe(true);
  expect(gates.enabled('NominatedNodeNameForExpectation')).toBe(true);
  expect(gates.enabled('GenericWorkload')).toBe(false);
  expect(gates.enabled('GangScheduling')).toBe(false);
});

test('a list of gates is read as Go reads truth', () => {
  expect(parseFeatureGates('GenericWorkload=true, GangScheduling=T,NodeDeclaredFeatures=0,')).toEqual({
    GenericWorkload: true,
    GangScheduling: true,
    NodeDeclaredFeatures: false,
  });
});

test('all alpha features at once, but for one', () => {
  const gates = FeatureGates.from({ AllAlpha: true, WorkloadAwarePreemption: false });
  expect(gates.enabled('GangScheduling')).toBe(true);
  expect(gates.enabled('WorkloadAwarePreemption')).toBe(false);
  expect(gates.enabled('SchedulerQueueingHints')).toBe(true);
});

test.each([
  ['Nonsense=true', 'unrecognized feature gate: Nonsense'],
  ['GenericWorkload', 'missing bool value for GenericWorkload'],
  [
    'GenericWorkload=maybe',
    'invalid value of GenericWorkload: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    'SchedulerQueueingHints=false',
    'cannot set feature gate SchedulerQueueingHints to false, feature is locked to true',
  ],
  ['GangScheduling=true', 'GangScheduling is enabled, but depends on features that are disabled: [GenericWorkload]'],
])('%s is refused', (text, message) => {
  expect(() => parseFeatureGates(text)).toThrow(message);
});

test('gates that have one way only are named', () => {
  expect(FeatureGates.from({ SchedulerAsyncAPICalls: true }).withoutEffect).toEqual(['SchedulerAsyncAPICalls']);
});

test('gates decide which plugins are on by default', () => {
  const namesOf = (asked: Record<string, boolean>) =>
    parseConfiguration(undefined, FeatureGates.from(asked)).profiles[0]!.multiPoint.enabled!.map(({ name }) => name);
  expect(namesOf({})).toContain('NodeDeclaredFeatures');
  expect(namesOf({})).not.toContain('GangScheduling');
  expect(namesOf({ NodeDeclaredFeatures: false })).not.toContain('NodeDeclaredFeatures');
  expect(namesOf({ GenericWorkload: true, GangScheduling: true })).toContain('GangScheduling');
});
