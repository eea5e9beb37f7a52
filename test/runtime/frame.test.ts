import { describe, expect, it } from 'vitest';
import { packPooled, unpackRange } from '../../src/runtime/codec.ts';
import { type Envelope, envelope, Kind } from '../../src/runtime/envelope.ts';
import { FrameReader, FrameWriter } from '../../src/runtime/frame.ts';

function transfer(reader: FrameReader, frame: ArrayBuffer): Envelope[] {
  const received: Envelope[] = [];
  reader.read(frame, (message) => received.push(message));
  return received;
}

describe('a frame', () => {
  it('carries envelopes in order, with payloads of any length', () => {
    const writer = new FrameWriter();
    const values = ['', 'a', 'ab', 'abc', 'abcd', 'x'.repeat(10_000)];
    for (const [at, value] of values.entries()) writer.add(envelope(Kind.call, 'greet', 1, 2, at, packPooled(value)));
    const received = transfer(new FrameReader(), writer.take());
    expect(received.map((message) => unpackRange(message.bytes, message.start, message.end))).toEqual(values);
    expect(received.map((message) => message.id)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(received[0]).toMatchObject({ kind: Kind.call, channel: 'greet', from: 1, to: 2 });
  });

  it('is exactly as long as its records, and leaves the writer empty', () => {
    const writer = new FrameWriter();
    writer.add(envelope(Kind.reply, '', 1, 2, 3, new Uint8Array(5)));
    expect(writer.pendingBytes).toBe(24 + 8);
    expect(writer.take().byteLength).toBe(32);
    expect(writer.pendingBytes).toBe(0);
  });

  it('names a channel once for a link, also when the frames differ', () => {
    const writer = new FrameWriter();
    const reader = new FrameReader();
    writer.add(envelope(Kind.call, 'a', 1, 2, 1));
    writer.add(envelope(Kind.open, 'b', 1, 2, 2));
    const first = writer.take();
    writer.add(envelope(Kind.call, 'b', 1, 2, 3));
    const second = writer.take();
    expect(second.byteLength).toBe(24);
    expect([...transfer(reader, first), ...transfer(reader, second)].map((message) => message.channel)).toEqual([
      'a',
      'b',
      'b',
    ]);
  });

  it('carries credits and sizes', () => {
    const writer = new FrameWriter();
    writer.add(envelope(Kind.credit, '', 7, 8, 9, undefined, 4096, 1_048_576));
    expect(transfer(new FrameReader(), writer.take())).toMatchObject([
      { kind: Kind.credit, from: 7, to: 8, id: 9, items: 4096, size: 1_048_576 },
    ]);
  });
});
