/**
 * Frames: the envelopes of one turn as one buffer of exact size, made to be transferred.
 *
 * A frame is a row of records, each padded to four bytes, in the byte order of the machine (a frame never leaves it):
 *
 *     word 0  payload length in bytes
 *     word 1  kind in the low 8 bits; channel number, or the items of a credit, in the upper 24
 *     word 2  from        word 3  to        word 4  id        word 5  size
 *     payload, then 0 to 3 bytes of padding
 */
import { type Envelope, type EnvelopeKind, envelope, Kind, noBytes } from './envelope.ts';

const headerWords = 6;
const headerBytes = headerWords * 4;

/** Bytes that an envelope takes in a frame. */
export function recordBytes(message: Envelope): number {
  return headerBytes + ((message.end - message.start + 3) & ~3);
}

/** Writes frames of one direction of a link, and gives channel names their numbers on it. */
export class FrameWriter {
  private readonly channels = new Map<string, number>();
  private queue: Envelope[] = [];
  private bytes = 0;

  /** Bytes of the frame so far. */
  get pendingBytes(): number {
    return this.bytes;
  }

  add(message: Envelope): void {
    if (message.channel !== '' && !this.channels.has(message.channel)) {
      this.channels.set(message.channel, this.channels.size + 1);
      this.add(envelope(Kind.name, '', 0, 0, this.channels.size, new TextEncoder().encode(message.channel)));
    }
    this.queue.push(message);
    this.bytes += recordBytes(message);
  }

  /** The frame, to be transferred; the writer is empty afterwards. */
  take(): ArrayBuffer {
    const buffer = new ArrayBuffer(this.bytes);
    const words = new Uint32Array(buffer);
    const bytes = new Uint8Array(buffer);
    let at = 0;
    for (const message of this.queue) {
      const length = message.end - message.start;
      const upper =
        message.kind === Kind.credit ? message.items : message.channel === '' ? 0 : this.channels.get(message.channel)!;
      words[at] = length;
      words[at + 1] = message.kind | (upper << 8);
      words[at + 2] = message.from;
      words[at + 3] = message.to;
      words[at + 4] = message.id;
      words[at + 5] = message.size;
      at += headerWords;
      if (length > 0) {
        const whole = message.start === 0 && message.end === message.bytes.length;
        bytes.set(whole ? message.bytes : message.bytes.subarray(message.start, message.end), at * 4);
        at += (length + 3) >> 2;
      }
    }
    this.queue = [];
    this.bytes = 0;
    return buffer;
  }
}

/** Reads frames of one direction of a link. */
export class FrameReader {
  private readonly channels: string[] = [''];

  /** Hands each envelope to `deliver`, in the order in which they were added. Payloads are parts of the frame itself. */
  read(buffer: ArrayBuffer, deliver: (message: Envelope) => void): void {
    const words = new Uint32Array(buffer);
    const bytes = new Uint8Array(buffer);
    let at = 0;
    while (at < words.length) {
      const length = words[at]!;
      const kind = (words[at + 1]! & 255) as EnvelopeKind;
      const upper = words[at + 1]! >>> 8;
      const start = (at + headerWords) * 4;
      const id = words[at + 4]!;
      if (kind === Kind.name) {
        this.channels[id] = new TextDecoder().decode(bytes.subarray(start, start + length));
      } else {
        const credit = kind === Kind.credit;
        deliver({
          kind,
          channel: credit ? '' : this.channels[upper]!,
          from: words[at + 2]!,
          to: words[at + 3]!,
          id,
          bytes: length === 0 ? noBytes : bytes,
          start: length === 0 ? 0 : start,
          end: length === 0 ? 0 : start + length,
          items: credit ? upper : 0,
          size: words[at + 5]!,
        });
      }
      at += headerWords + ((length + 3) >> 2);
    }
  }
}
