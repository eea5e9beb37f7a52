import { describe, expect, it } from 'vitest';
import { EventCorrelator, type EventObject } from '../../src/client/event-correlator.ts';

let number = 0;
function event(message: string, name = 'web'): EventObject {
  return {
    metadata: { name: `${name}.${++number}`, namespace: 'default' },
    involvedObject: { kind: 'Pod', namespace: 'default', name, uid: `uid-${name}` },
    reason: 'Tested',
    message,
    type: 'Normal',
    source: { component: 'test' },
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
  };
}

describe('EventCorrelator', () => {
  it('raises the count of an event that is there instead of writing it again', () => {
    const correlator = new EventCorrelator();
    const first = event('m');
    expect(correlator.correlate(first, 0)).toBe('create');
    const again = event('m');
    expect(correlator.correlate(again, 1_000)).toBe('patch');
    expect(again.count).toBe(2);
    expect(again.metadata.name).toBe(first.metadata.name);
  });

  it('combines events that differ only in their message from the tenth on', () => {
    const correlator = new EventCorrelator();
    const verdicts = Array.from({ length: 12 }, (_, at) => {
      const next = event(`m${at}`);
      return [correlator.correlate(next, 0), next.message] as const;
    });
    expect(verdicts[8]).toEqual(['create', 'm8']);
    expect(verdicts[9]).toEqual(['create', '(combined from similar events): m9']);
    expect(verdicts[11]).toEqual(['patch', '(combined from similar events): m11']);
  });

  it('combines events of several containers of a pod, and counts each container by itself before', () => {
    const correlator = new EventCorrelator();
    const of = (container: string, message: string) => {
      const next = event(message);
      next.involvedObject.fieldPath = `spec.containers{${container}}`;
      return next;
    };
    expect(correlator.correlate(of('a', 'same'), 0)).toBe('create');
    expect(correlator.correlate(of('b', 'same'), 0)).toBe('create');
    expect(correlator.correlate(of('a', 'same'), 0)).toBe('patch');
    for (let at = 0; at < 8; at++) correlator.correlate(of('a', `a${at}`), 0);
    const tenth = of('b', 'b0');
    correlator.correlate(tenth, 0);
    expect(tenth.message).toBe('(combined from similar events): b0');
  });

  it('forgets what was similar ten minutes ago', () => {
    const correlator = new EventCorrelator();
    for (let at = 0; at < 9; at++) correlator.correlate(event(`m${at}`), 0);
    const late = event('late');
    correlator.correlate(late, 600_001);
    expect(late.message).toBe('late');
  });

  it('drops what goes beyond 25 events of an object, and lets one through every five minutes', () => {
    const correlator = new EventCorrelator();
    for (let at = 0; at < 25; at++) expect(correlator.correlate(event('m'), 0)).not.toBe('drop');
    expect(correlator.correlate(event('m'), 0)).toBe('drop');
    expect(correlator.correlate(event('m', 'other'), 0)).toBe('create');
    expect(correlator.correlate(event('m'), 300_001)).toBe('patch');
    expect(correlator.correlate(event('m'), 300_002)).toBe('drop');
  });
});
