/** What a command of a simulated container is given: its arguments, streams, files and environment. */
import type { Clock } from '../../../runtime/index.ts';
import type { Filesystem } from './filesystem.ts';

export interface ByteSource {
  /** Undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** One line without its end, leaving what follows for the next reader. */
  line?(): Promise<string | undefined>;
}

export type ByteWriter = (bytes: Uint8Array) => Promise<boolean>;

/** Facts about the container that commands print. */
export interface Machine {
  readonly hostname: string;
  readonly clock: Clock;
  readonly files: Filesystem;
  /** Programs that run besides the commands themselves, for `ps`: the container's own. */
  readonly programs: readonly string[];
}

export interface Process {
  readonly machine: Machine;
  readonly stdin: ByteSource;
  readonly stdout: ByteWriter;
  readonly stderr: ByteWriter;
  /** Of the shell that runs the command; `cd` and `export` change them. */
  readonly shell: ShellState;
  /** Aborted when the command is to end: its client went or interrupted it. */
  readonly signal: AbortSignal;
  /** Runs another command in this process' place, for `sh` and `env`. */
  run(argv: readonly string[]): Promise<number>;
  /** A terminal is at both ends. */
  readonly interactive: boolean;
}

export interface ShellState {
  directory: string;
  readonly variables: Map<string, string>;
  lastCode: number;
  /** Set by `exit`: the shell ends with it. */
  exitCode: number | undefined;
}

export type Command = (process: Process, args: readonly string[]) => Promise<number> | number;

/** Reads a source to its end, up to a bound that no command of a simulated container needs to pass. */
export async function readAll(source: ByteSource, bytesMax = 64 * 1024 * 1024): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const chunk = await source.read();
    if (chunk === undefined) return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    size += chunk.length;
    if (size > bytesMax) throw new Error('Cannot allocate memory');
    chunks.push(chunk);
  }
}

/** One command's output as the next one's input; the writer waits while too much is unread. */
export class Pipe implements ByteSource {
  static readonly bytesMax = 64 * 1024;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #broken = false;
  #wake: (() => void)[] = [];

  readonly write: ByteWriter = async (bytes) => {
    while (this.#bytes >= Pipe.bytesMax && !this.#broken) await this.#change();
    if (this.#broken || this.#ended) return false;
    if (bytes.length > 0) {
      this.#chunks.push(bytes);
      this.#bytes += bytes.length;
      this.#changed();
    }
    return true;
  };

  async read(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended || this.#broken) return undefined;
      await this.#change();
    }
    const chunk = this.#chunks.shift() as Uint8Array;
    this.#bytes -= chunk.length;
    this.#changed();
    return chunk;
  }

  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** The reader is gone. */
  break(): void {
    this.#broken = true;
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake.push(resolve);
    });
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export const noInput: ByteSource = { read: () => Promise.resolve(undefined) };
