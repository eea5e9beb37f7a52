import { describe, expect, it } from 'vitest';
import { storedKindOf } from '../../../../src/api/kinds/index.ts';
import { kindOf, objectOf, registry } from '../fixtures.ts';

const core = kindOf('', 'events');
const events = kindOf('events.k8s.io', 'events');

describe('events', () => {
  const event = objectOf(events, {
    eventTime: '2026-01-01T00:00:00.000000Z',
    regarding: { kind: 'Pod', name: 'p' },
    related: { kind: 'Node', name: 'n' },
    note: 'hello',
    reason: 'r',
    action: 'a',
    type: 'Normal',
    reportingController: 'c',
    reportingInstance: 'i',
    deprecatedSource: {},
    deprecatedFirstTimestamp: null,
    deprecatedLastTimestamp: null,
  });

  it('are stored in the core form', () => {
    expect(storedKindOf(registry, events)).toBe(core);
    expect(events.conversion!.toStored(event)).toEqual(
      objectOf(core, {
        eventTime: '2026-01-01T00:00:00.000000Z',
        involvedObject: { kind: 'Pod', name: 'p' },
        related: { kind: 'Node', name: 'n' },
        message: 'hello',
        reason: 'r',
        action: 'a',
        type: 'Normal',
        reportingComponent: 'c',
        reportingInstance: 'i',
        source: {},
        firstTimestamp: null,
        lastTimestamp: null,
      }),
    );
  });

  it('come back as they were, in both directions', () => {
    const conversion = events.conversion!;
    const kindless = ({ kind: _kind, ...rest }: Record<string, unknown>) => rest;
    expect(kindless(conversion.fromStored(conversion.toStored(event)))).toEqual(kindless(event));
    const old = objectOf(core, {
      involvedObject: { kind: 'Pod' },
      message: 'm',
      source: { component: 'kubelet' },
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:01:00Z',
      count: 2,
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    });
    expect(kindless(conversion.toStored(conversion.fromStored(old)))).toEqual(kindless(old));
  });

  it('are selected by the names of each group', () => {
    expect(events.selectableFields!['regarding.name']!(event)).toBe('p');
    expect(events.selectableFields!['reportingController']!(event)).toBe('c');
    expect(core.selectableFields!['involvedObject.name']!(events.conversion!.toStored(event))).toBe('p');
    expect(core.selectableFields!['regarding.name']).toBeUndefined();
  });
});
