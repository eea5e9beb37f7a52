import { describe, expect, it } from 'vitest';
import type { AuditBackend } from '../../../../actors/apiserver/audit/backends.ts';
import { type AuditEvent, type AuditRecord, annotate, snapshotOf } from '../../../../actors/apiserver/audit/event.ts';
import { createAuditLines } from '../../../../actors/apiserver/audit/lines.ts';
import { ActorMetrics, VirtualClock } from '../../../../src/runtime/index.ts';

const record = (auditId: string): AuditRecord => ({
  verdict: { level: 'Metadata', omitStages: [], omitManagedFields: false },
  auditId,
  requestUri: '/api/v1/namespaces/default/pods',
  verb: 'create',
  user: { user: 'jane', groups: [] },
  sources: '',
  userAgent: 'agent',
  objectRef: {
    ...{ resource: 'pods', namespace: 'default', name: '', uid: '' },
    ...{ apiGroup: '', apiVersion: 'v1', resourceVersion: '', subresource: '' },
  },
  receivedMs: 0,
  impersonatedUser: undefined,
  impersonationConstraint: undefined,
  requestObject: undefined,
  completed: false,
  pending: undefined,
  isRefused: false,
  decision: '',
  annotations: undefined,
});

function setUp({ takes = true, eventBytesMax = undefined as number | undefined } = {}) {
  const texts: string[] = [];
  const backend: AuditBackend = {
    name: 'log',
    format: 'json',
    isBlocking: false,
    isStrict: false,
    truncation: eventBytesMax === undefined ? undefined : { eventBytesMax, batchBytesMax: eventBytesMax },
    write(line) {
      if (takes) texts.push(line);
      return takes;
    },
    close: async () => undefined,
  };
  const clock = new VirtualClock();
  const metrics = new ActorMetrics();
  const lines = createAuditLines([backend], clock, metrics);
  const tell = (one: AuditRecord) =>
    lines.write({ record: one, stage: 'ResponseComplete', nowMs: 5, outcome: { responseStatus: '{"code":200}' } });
  const events = () => texts.map((text) => JSON.parse(text) as AuditEvent);
  return { lines, clock, metrics, tell, events };
}

describe('lines of the audit log', () => {
  it('are written together after a moment, in the order in which they came', async () => {
    const { clock, tell, events } = setUp();
    for (const id of ['a', 'b', 'c']) tell(record(id));
    expect(events()).toEqual([]);
    await clock.advance(100);
    expect(events().map(({ auditID }) => auditID)).toEqual(['a', 'b', 'c']);
    tell(record('d'));
    await clock.advance(100);
    expect(events()).toHaveLength(4);
  });

  it('do not wait for more when there are many', () => {
    const { tell, events } = setUp();
    for (let index = 0; index < 100; index++) tell(record(`${index}`));
    expect(events().length).toBeGreaterThanOrEqual(64);
  });

  it('tell of a stage as it was, whatever becomes of the request before they are written', () => {
    const { lines, tell, events } = setUp();
    const one = record('a');
    annotate(one, 'first', 'yes');
    lines.write({ record: snapshotOf(one), stage: 'RequestReceived', nowMs: 0, outcome: undefined });
    annotate(one, 'second', 'yes');
    if (one.objectRef !== undefined) one.objectRef.name = 'web';
    tell(one);
    lines.flush();
    const [received, complete] = events();
    expect(received).toMatchObject({ stage: 'RequestReceived', annotations: { first: 'yes' } });
    expect(received?.annotations).not.toHaveProperty('second');
    expect(received?.objectRef).not.toHaveProperty('name');
    expect(complete).toMatchObject({ objectRef: { name: 'web' }, annotations: { first: 'yes', second: 'yes' } });
  });

  it('are counted, also those that wait when somebody looks', () => {
    const { metrics, tell } = setUp();
    tell(record('a'));
    expect(metrics.text()).toContain('apiserver_audit_event_total 1');
  });

  it('are counted as errors when nobody takes them or they are too large', () => {
    const refused = setUp({ takes: false });
    refused.tell(record('a'));
    expect(refused.metrics.text()).toMatch(/apiserver_audit_error_total\{plugin="log"\} 1/);
    const large = setUp({ eventBytesMax: 10 });
    large.tell(record('a'));
    expect(large.metrics.text()).toMatch(/apiserver_audit_error_total\{plugin="truncate"\} 1/);
    expect(large.events()).toEqual([]);
  });
});
