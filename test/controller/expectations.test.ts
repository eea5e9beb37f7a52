import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Expectations } from '../../src/controller/index.ts';
import { type Probe, startProbe } from '../client/probe.ts';

describe('Expectations', () => {
  let probe: Probe;
  let expectations: Expectations;
  beforeEach(async () => {
    probe = await startProbe();
    expectations = new Expectations(probe.context.clock);
  });
  afterEach(() => probe.system.stop());

  it('holds a key back until all its creations were seen', () => {
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expectCreations('a', 2);
    expectations.creationObserved('a');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.creationObserved('a');
    expect(expectations.satisfied('a')).toBe(true);
  });

  it('counts each expected deletion once, whatever else is deleted', () => {
    expectations.expectDeletions('a', ['p1', 'p2']);
    expectations.deletionObserved('a', 'p1');
    expectations.deletionObserved('a', 'p1');
    expectations.deletionObserved('a', 'p3');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.deletionObserved('a', 'p2');
    expect(expectations.satisfied('a')).toBe(true);
  });

  it('gives up after five minutes', async () => {
    expectations.expectCreations('a', 1);
    await probe.system.advance(299_000);
    expect(expectations.satisfied('a')).toBe(false);
    await probe.system.advance(2_000);
    expect(expectations.satisfied('a')).toBe(true);
  });

  it('expects more beside what is left, and nothing of what is over', () => {
    expectations.raise('a', 1);
    expectations.raise('a', 0, 'p1');
    expectations.creationObserved('a');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.raise('a', 0, 'p2');
    expectations.deletionObserved('a', 'p1');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.deletionObserved('a', 'p2');
    expectations.creationObserved('a');
    expectations.raise('a', 1);
    expectations.creationObserved('a');
    expect(expectations.satisfied('a')).toBe(true);
  });
});
