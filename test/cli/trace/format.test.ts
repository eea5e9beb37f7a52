import { describe, expect, it } from 'vitest';
import {
  parseTrace,
  resourceNamed,
  TraceError,
  type TraceEvent,
  traceLine,
  traceVersion,
} from '../../../src/cli/trace/format.ts';

const header = traceLine({ apiVersion: traceVersion, kind: 'Trace' });
const event: TraceEvent = {
  atMs: 5,
  verb: 'delete',
  version: 'v1',
  resource: 'pods',
  kind: 'Pod',
  namespace: 'default',
  name: 'web',
};
const broken = (change: object) => () => parseTrace(`${header}${JSON.stringify({ ...event, ...change })}\n`);

describe('a trace', () => {
  it('is read as it was written', () => {
    const { events } = parseTrace(`${header}${traceLine(event)}\n${traceLine({ ...event, atMs: 7 })}`);
    expect(events).toEqual([event, { ...event, atMs: 7 }]);
  });

  it('is refused with the line when it is none', () => {
    expect(() => parseTrace('')).toThrow(/empty/);
    expect(() => parseTrace('{"kind":"Pod"}')).toThrow(/line 1: a trace begins with/);
    expect(() => parseTrace(header.replace('/v1', '/v9'))).toThrow(/version kubehive.dev\/v9 is not known/);
    expect(() => parseTrace(`${header}{`)).toThrow(/line 2: /);
    expect(broken({ atMs: -1 })).toThrow(/line 2: atMs/);
    expect(broken({ verb: 'juggle' })).toThrow(/verb must be create, patch or delete, not "juggle"/);
    expect(broken({ name: '' })).toThrow(/name is required/);
    expect(broken({ verb: 'create' })).toThrow(/a create needs its object/);
    expect(broken({ verb: 'patch' })).toThrow(/a patch needs its patch/);
    expect(() => parseTrace(header + traceLine(event) + traceLine({ ...event, atMs: 1 }))).toThrow(/lies before the 5/);
  });

  it('names resources by plural, with the group where there is more than one', () => {
    expect(resourceNamed('deployments')).toMatchObject({ group: 'apps', kind: 'Deployment' });
    expect(resourceNamed('pods')).toMatchObject({ group: '', kind: 'Pod' });
    expect(() => resourceNamed('gadgets')).toThrow(TraceError);
  });
});
