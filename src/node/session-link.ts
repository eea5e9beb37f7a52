/**
 * One end of a session between the API server and a kubelet: a few byte channels in both directions over two streams of the bus.
 * Both ends are alike. A sender has a window of bytes a channel; the receiver gives it back as its bytes are read, so whoever does
 * not read holds up the one who writes, and what is under way never exceeds the window.
 *
 *     write ──frame {channel, bytes}──► read          window: 256 KiB a channel
 *       ▲                                 │
 *       └────── frame {channel, credit} ──┘
 */

/** What a process says of its end, or of why it never began. */
export type SessionOutcome =
  | { readonly exitCode: number }
  /** The command could not be started, or the connection not be made. */
  | { readonly failure: string };

export type NodeSessionFrame =
  | { readonly channel: number; readonly bytes: Uint8Array }
  /** No more bytes on the channel. */
  | { readonly channel: number; readonly end: true }
  /** So many bytes of the channel were read. */
  | { readonly channel: number; readonly credit: number }
  /** The process or connection is there; the first frame that a kubelet sends. */
  | { readonly started: true }
  | { readonly resize: { readonly width: number; readonly height: number } }
  | { readonly outcome: SessionOutcome };

/** Channels of a session. A connection to a port uses the first two. */
export const sessionChannels = { input: 0, output: 1, error: 2 } as const;

export const sessionWindowBytes = 256 * 1024;
const pieceBytesMax = 32 * 1024;

interface Channel {
  /** Bytes that may still be sent. */
  window: number;
  readonly writers: (() => void)[];
  readonly arrived: Uint8Array[];
  /** Bytes read since the last credit. */
  read: number;
  ended: boolean;
  reader: (() => void) | undefined;
}

export type ControlFrame = Exclude<NodeSessionFrame, { readonly channel: number }>;

export class SessionLink {
  readonly #post: (frame: NodeSessionFrame) => void;
  readonly #control: (frame: ControlFrame) => void;
  readonly #channels = new Map<number, Channel>();
  #closed = false;

  constructor(post: (frame: NodeSessionFrame) => void, control: (frame: ControlFrame) => void) {
    this.#post = post;
    this.#control = control;
  }

  /** The next bytes of a channel; undefined at its end. One reader a channel. */
  async read(channel: number): Promise<Uint8Array | undefined> {
    const state = this.#channel(channel);
    while (state.arrived.length === 0) {
      if (state.ended || this.#closed) return undefined;
      await new Promise<void>((resolve) => {
        state.reader = resolve;
      });
    }
    const bytes = state.arrived.shift() as Uint8Array;
    state.read += bytes.length;
    if (state.read * 2 >= sessionWindowBytes && !this.#closed) {
      this.#post({ channel, credit: state.read });
      state.read = 0;
    }
    return bytes;
  }

  /** Sends bytes as far as the window goes, and waits for the rest. False when nobody reads any more. */
  async write(channel: number, bytes: Uint8Array): Promise<boolean> {
    const state = this.#channel(channel);
    for (let at = 0; at < bytes.length; ) {
      while (state.window <= 0 && !this.#closed) {
        await new Promise<void>((resolve) => {
          state.writers.push(resolve);
        });
      }
      if (this.#closed) return false;
      const piece = bytes.subarray(at, at + Math.min(pieceBytesMax, state.window));
      state.window -= piece.length;
      at += piece.length;
      this.#post({ channel, bytes: piece });
    }
    return !this.#closed;
  }

  end(channel: number): void {
    if (!this.#closed) this.#post({ channel, end: true });
  }

  send(frame: ControlFrame): void {
    if (!this.#closed) this.#post(frame);
  }

  /** Takes a frame of the other end. */
  receive(frame: NodeSessionFrame): void {
    if (!('channel' in frame)) {
      this.#control(frame);
      return;
    }
    const state = this.#channel(frame.channel);
    if ('credit' in frame) {
      state.window += frame.credit;
      for (const resolve of state.writers.splice(0)) resolve();
      return;
    }
    if ('end' in frame) state.ended = true;
    else if (frame.bytes.length > 0) state.arrived.push(frame.bytes.slice());
    state.reader?.();
    state.reader = undefined;
  }

  /** The other end is gone, or enough: what arrived can still be read, then every channel ends; writes go nowhere. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const state of this.#channels.values()) {
      for (const resolve of state.writers.splice(0)) resolve();
      state.reader?.();
      state.reader = undefined;
    }
  }

  #channel(channel: number): Channel {
    let state = this.#channels.get(channel);
    if (state === undefined) {
      state = { window: sessionWindowBytes, writers: [], arrived: [], read: 0, ended: false, reader: undefined };
      this.#channels.set(channel, state);
    }
    return state;
  }
}
