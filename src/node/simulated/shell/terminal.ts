/**
 * The line discipline of a terminal between a person and a simulated program: echoes and edits what is typed, hands it on by
 * lines, turns Ctrl-C into an interrupt and Ctrl-D into the end, and writes line ends as a terminal needs them.
 */
import type { ProcessStreams } from '../../runtime.ts';
import type { ByteSource } from './process.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const lineCharactersMax = 64 * 1024;

export class Terminal implements ByteSource {
  readonly #streams: ProcessStreams;
  readonly #lines: string[] = [];
  #typed = '';
  #ended = false;
  #wake: (() => void) | undefined;
  #interrupt: (() => void) | undefined;

  constructor(streams: ProcessStreams) {
    this.#streams = streams;
    void this.#listen();
  }

  /** The next line without its end; undefined when the person has left. */
  async line(): Promise<string | undefined> {
    while (this.#lines.length === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const line = this.#lines.shift() as string;
    // Ctrl-D on an empty line.
    return line === '\u0004' ? undefined : line;
  }

  async read(): Promise<Uint8Array | undefined> {
    const line = await this.line();
    return line === undefined ? undefined : encoder.encode(`${line}\n`);
  }

  write(bytes: Uint8Array): Promise<boolean> {
    if (!bytes.includes(10)) return this.#streams.write('stdout', bytes);
    return this.#streams.write('stdout', encoder.encode(decoder.decode(bytes).replace(/\r?\n/g, '\r\n')));
  }

  /** Whom Ctrl-C interrupts; without anybody it only drops the line. */
  onInterrupt(listener: (() => void) | undefined): void {
    this.#interrupt = listener;
  }

  close(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async #listen(): Promise<void> {
    if (this.#streams.stdin) {
      for (;;) {
        const bytes = await this.#streams.read();
        if (bytes === undefined || this.#ended) break;
        await this.#take(decoder.decode(bytes));
      }
    }
    if (this.#typed !== '') this.#push(this.#typed);
    this.close();
  }

  /** Echoes first, then acts, so that what a program answers stands below what was typed. */
  async #take(text: string): Promise<void> {
    let echo = '';
    const actions: (() => void)[] = [];
    for (const char of text) {
      if (char === '\r' || char === '\n') {
        echo += '\r\n';
        const line = this.#typed;
        this.#typed = '';
        actions.push(() => this.#push(line));
      } else if (char === '\u0003') {
        echo += '^C\r\n';
        this.#typed = '';
        actions.push(() => {
          // What was typed ahead is dropped with it.
          this.#lines.length = 0;
          if (this.#interrupt === undefined) this.#push('');
          else this.#interrupt();
        });
      } else if (char === '\u0004') {
        if (this.#typed === '') actions.push(() => this.#push('\u0004'));
      } else if (char === '\u007f' || char === '\b') {
        if (this.#typed === '') continue;
        this.#typed = this.#typed.slice(0, -1);
        echo += '\b \b';
      } else if (char === '\u0015') {
        echo += '\b \b'.repeat(this.#typed.length);
        this.#typed = '';
      } else if (char >= ' ' || char === '\t') {
        if (this.#typed.length >= lineCharactersMax) continue;
        this.#typed += char;
        echo += char;
      }
    }
    if (echo !== '') await this.#streams.write('stdout', encoder.encode(echo));
    for (const act of actions) act();
  }

  #push(line: string): void {
    this.#lines.push(line);
    this.#wake?.();
    this.#wake = undefined;
  }
}
