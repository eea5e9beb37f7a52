/**
 * Envelopes: what travels from actor to actor, in a host's queue as objects and over a link in frames. Actors are named by
 * numbers that the supervisor gives out, a new one for each incarnation, so that a late envelope never reaches a successor.
 */

export const Kind = {
  /** A request that wants one reply. `from` calls `to` on `channel`; `id` is the caller's. */
  call: 1,
  /** The reply to call `id` of actor `to`. */
  reply: 2,
  /** The failure of call or stream `id` of actor `to`; the payload is an error's parts. */
  fail: 3,
  /** Actor `from` wants no more of its call or stream `id`. */
  cancel: 4,
  /** A request that opens a stream. */
  open: 5,
  /** An item of stream `id` of actor `to`; `size` is what it costs of the window. */
  item: 6,
  /** Stream `id` of actor `to` completed. */
  end: 7,
  /** Actor `from` processed `items` items of `size` bytes of its stream `id`. */
  credit: 8,
  /** Actor `from` is gone. Between hosts only. */
  down: 9,
  /** The address and identity of actor `from`, before its first envelope on a link. Between hosts only. */
  introduce: 10,
  /** Gives the channel name in the payload the number `id` on this link. Between hosts only. */
  name: 11,
} as const;

export type EnvelopeKind = (typeof Kind)[keyof typeof Kind];

const kindNames: readonly string[] = ['', ...Object.keys(Kind)];

/** The name of a kind, for observers. */
export function kindName(kind: EnvelopeKind): keyof typeof Kind {
  return kindNames[kind] as keyof typeof Kind;
}

/** The payload stays packed, as the bytes from `start` to `end`, until a handler wants it. */
export interface Envelope {
  readonly kind: EnvelopeKind;
  readonly channel: string;
  readonly from: number;
  readonly to: number;
  readonly id: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly items: number;
  readonly size: number;
}

export const noBytes = new Uint8Array(0);

/** An envelope whose payload is the whole of `bytes`. */
export function envelope(
  kind: EnvelopeKind,
  channel: string,
  from: number,
  to: number,
  id: number,
  bytes: Uint8Array = noBytes,
  items = 0,
  size = 0,
): Envelope {
  return { kind, channel, from, to, id, bytes, start: 0, end: bytes.length, items, size };
}
