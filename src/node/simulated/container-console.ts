/**
 * The standard streams of a container's own program: output goes to the log and to everybody attached, input comes from whoever
 * is attached. With `stdinOnce` the first client that leaves takes the input with it, and the program sees its end.
 */
import type { ProcessStreams } from '../runtime.ts';
import { Pipe } from './shell/process.ts';

export interface ConsoleOptions {
  readonly tty: boolean;
  readonly once: boolean;
  log(stream: 'stdout' | 'stderr', text: string): void;
  run(streams: ProcessStreams): Promise<number>;
  ended(exitCode: number): void;
}

export class ContainerConsole {
  readonly #options: ConsoleOptions;
  readonly #input = new Pipe();
  readonly #clients = new Set<ProcessStreams>();
  readonly #abort = new AbortController();
  readonly #listeners: ((width: number, height: number) => void)[] = [];
  readonly #decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  /** Output of a line that has not ended. */
  readonly #unfinished = { stdout: '', stderr: '' };

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  start(): void {
    const { run, ended, tty } = this.#options;
    const streams: ProcessStreams = {
      tty,
      stdin: true,
      signal: this.#abort.signal,
      read: () => this.#input.read(),
      write: (stream, bytes) => this.#write(stream, bytes),
      onResize: (listener) => this.#listeners.push(listener),
    };
    run(streams).then(ended, () => ended(1));
  }

  /** Resolves when the program has ended or the client has left. */
  async attach(client: ProcessStreams): Promise<void> {
    // What a person sees first is the prompt that waits for them.
    const { stdout } = this.#unfinished;
    if (stdout !== '') void client.write('stdout', new TextEncoder().encode(stdout));
    this.#clients.add(client);
    client.onResize((width, height) => {
      for (const listener of this.#listeners) listener(width, height);
    });
    const left = new Promise<void>((resolve) => {
      client.signal.addEventListener('abort', () => resolve(), { once: true });
      this.#abort.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    if (client.stdin) void this.#forward(client);
    await left;
    this.#clients.delete(client);
    if (client.stdin && this.#options.once) this.#input.end();
  }

  /** The container has ended. */
  close(): void {
    this.#input.break();
    this.#abort.abort();
  }

  async #forward(client: ProcessStreams): Promise<void> {
    for (;;) {
      const bytes = await client.read();
      if (bytes === undefined) break;
      if (!(await this.#input.write(bytes))) return;
    }
    if (this.#options.once) this.#input.end();
  }

  async #write(stream: 'stdout' | 'stderr', bytes: Uint8Array): Promise<boolean> {
    const text = this.#unfinished[stream] + this.#decoders[stream].decode(bytes, { stream: true });
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0) this.#options.log(stream, text.slice(0, end).replaceAll('\r\n', '\n'));
    this.#unfinished[stream] = text.slice(end).slice(-4096);
    await Promise.all([...this.#clients].map((client) => client.write(stream, bytes)));
    return true;
  }
}
