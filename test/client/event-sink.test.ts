/** How many events are written at a time, and what becomes of those that do not fit. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventSink, type EventSinkOptions } from '../../src/client/event-sink.ts';
import { type Probe, startProbe } from './probe.ts';

let probe: Probe;
/** Ends of the writes that are under way, in their order. */
let open: (() => void)[];

beforeEach(async () => {
  probe = await startProbe();
  open = [];
});
afterEach(async () => {
  for (const end of open) end();
  await probe.system.stop();
});

function sinkOf(options: EventSinkOptions): (count: number) => void {
  const sink = new EventSink(probe.context, options);
  const write = () => new Promise<void>((resolve) => open.push(resolve));
  return (count) => {
    for (let pushed = 0; pushed < count; pushed++) sink.push(write);
  };
}

/** Lets all promises that are done be seen. */
const seen = () => new Promise((resolve) => setImmediate(resolve));

describe('an event sink', () => {
  it('writes few at a time while there is room, and the next with each answer', async () => {
    const push = sinkOf({ queueMax: 40, writesMax: 16, writesUsual: 2 });
    push(10);
    expect(open).toHaveLength(2);
    open[0]?.();
    await seen();
    expect(open).toHaveLength(3);
  });

  it('writes many at a time when half of its queue is taken', () => {
    const push = sinkOf({ queueMax: 40, writesMax: 16, writesUsual: 2 });
    push(21);
    expect(open).toHaveLength(2);
    push(1);
    expect(open).toHaveLength(3);
    push(40);
    expect(open).toHaveLength(16);
  });

  it('writes as many as it may at any time unless it is told otherwise', () => {
    const push = sinkOf({ writesMax: 16 });
    push(20);
    expect(open).toHaveLength(16);
  });

  it('drops what does not fit', async () => {
    const push = sinkOf({ queueMax: 4, writesMax: 1 });
    push(10);
    let written = 0;
    for (; open.length > written; await seen()) open[written++]?.();
    expect(written).toBe(5);
  });
});
