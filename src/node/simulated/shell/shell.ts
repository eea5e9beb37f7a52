/**
 * Runs programs in a simulated container: a command by its name, or a shell with a line, a script on its standard input, or a
 * person at a terminal. What is not known is refused as a small image without that program would refuse it.
 */
import type { ProcessStreams } from '../../runtime.ts';
import { commands } from './commands.ts';
import { FileError, resolvePath } from './filesystem.ts';
import {
  type ByteSource,
  type ByteWriter,
  type Machine,
  noInput,
  Pipe,
  type Process,
  type ShellState,
} from './process.ts';
import { expandWord, type Pipeline, parseShell, ShellSyntaxError, type SimpleCommand } from './syntax.ts';
import { Terminal } from './terminal.ts';

const shells = new Set(['sh', 'bash', 'ash']);
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const depthMax = 16;

const programOf = (name: string): string => name.replace(/^(\/usr)?(\/local)?\/s?bin\//, '');

/** Whether a program of this name is in the image. */
export function isProgram(name: string): boolean {
  const program = programOf(name);
  return shells.has(program) || (!builtins.has(program) && Object.hasOwn(commands, program));
}

/** Part of the shell, not programs by themselves. */
const builtins = new Set(['exit', 'cd', 'export', 'unset', 'set', 'read', ':']);

/** The names below /bin. */
export const programNames: readonly string[] = [
  ...Object.keys(commands).filter((name) => !builtins.has(name)),
  ...shells,
].sort();

/** Runs a program to its end. The caller has checked {@link isProgram}. */
export async function runProgram(
  machine: Machine,
  argv: readonly string[],
  variables: ReadonlyMap<string, string>,
  directory: string,
  streams: ProcessStreams,
): Promise<number> {
  const state: ShellState = { directory, variables: new Map(variables), lastCode: 0, exitCode: undefined };
  if (!streams.tty) {
    return new Runner(machine, state, streams.signal, 0).run(argv, {
      stdin: streams.stdin ? streams : noInput,
      stdout: (bytes) => streams.write('stdout', bytes),
      stderr: (bytes) => streams.write('stderr', bytes),
    });
  }
  const terminal = new Terminal(streams);
  const output: ByteWriter = (bytes) => terminal.write(bytes);
  try {
    const runner = new Runner(machine, state, streams.signal, 0, terminal);
    return await runner.run(argv, { stdin: terminal, stdout: output, stderr: output });
  } finally {
    terminal.close();
  }
}

interface Streams {
  readonly stdin: ByteSource;
  readonly stdout: ByteWriter;
  readonly stderr: ByteWriter;
}

class Runner {
  readonly #machine: Machine;
  readonly #state: ShellState;
  readonly #signal: AbortSignal;
  readonly #depth: number;
  readonly #terminal: Terminal | undefined;

  constructor(machine: Machine, state: ShellState, signal: AbortSignal, depth: number, terminal?: Terminal) {
    this.#machine = machine;
    this.#state = state;
    this.#signal = signal;
    this.#depth = depth;
    this.#terminal = terminal;
  }

  async run(argv: readonly string[], streams: Streams, signal = this.#signal): Promise<number> {
    const [name = '', ...args] = argv;
    const program = programOf(name);
    if (shells.has(program)) return this.#shell(args, streams, signal);
    const command = Object.hasOwn(commands, program) ? commands[program] : undefined;
    if (command === undefined) {
      await streams.stderr(encoder.encode(`sh: ${name}: not found\n`));
      return 127;
    }
    const process: Process = {
      machine: this.#machine,
      ...streams,
      shell: this.#state,
      signal,
      interactive: this.#terminal !== undefined,
      run: (inner) => this.run(inner, streams, signal),
    };
    try {
      return await command(process, args);
    } catch (error) {
      await streams.stderr(encoder.encode(`${program}: ${error instanceof Error ? error.message : String(error)}\n`));
      return 1;
    }
  }

  async #shell(args: readonly string[], given: Streams, signal: AbortSignal): Promise<number> {
    // A shell reads its input by lines, so that each command finds what the one before has left.
    const streams = given.stdin.line === undefined ? { ...given, stdin: new LineSource(given.stdin) } : given;
    const state: ShellState = {
      directory: this.#state.directory,
      variables: new Map(this.#state.variables),
      lastCode: 0,
      exitCode: undefined,
    };
    if (this.#depth >= depthMax) {
      await streams.stderr(encoder.encode("sh: can't fork: Resource temporarily unavailable\n"));
      return 2;
    }
    const runner = new Runner(this.#machine, state, signal, this.#depth + 1, this.#terminal);
    const at = args.findIndex((arg) => /^-[a-z]*c$/.test(arg));
    if (at >= 0) return runner.line(args[at + 1] ?? '', streams, signal);
    const script = args.find((arg) => !arg.startsWith('-') && !arg.startsWith('+'));
    if (script !== undefined) return runner.#script(script, streams, signal);
    if (this.#terminal !== undefined) return runner.#interact(this.#terminal, streams);
    return runner.#input(streams, signal);
  }

  /** Runs a line, or several; the exit code is the last one's. */
  async line(text: string, streams: Streams, signal = this.#signal): Promise<number> {
    let pipelines: Pipeline[];
    try {
      pipelines = parseShell(text);
    } catch (error) {
      if (!(error instanceof ShellSyntaxError)) throw error;
      await streams.stderr(encoder.encode(`sh: ${error.message}\n`));
      this.#state.lastCode = 2;
      return 2;
    }
    for (const pipeline of pipelines) {
      const { lastCode } = this.#state;
      if ((pipeline.joiner === '&&' && lastCode !== 0) || (pipeline.joiner === '||' && lastCode === 0)) continue;
      if (signal.aborted) return 130;
      const code = await this.#pipeline(pipeline, streams, signal);
      this.#state.lastCode = pipeline.negated ? Number(code === 0) : code;
      if (this.#state.exitCode !== undefined) return this.#state.exitCode;
    }
    return this.#state.lastCode;
  }

  async #script(path: string, streams: Streams, signal: AbortSignal): Promise<number> {
    try {
      const bytes = this.#machine.files.read(resolvePath(this.#state.directory, path));
      return await this.line(decoder.decode(bytes), streams, signal);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await streams.stderr(encoder.encode(`sh: can't open '${path}': ${error.message}\n`));
      return 2;
    }
  }

  /** Commands from standard input, a line at a time; what a command itself reads is what follows its line. */
  async #input(streams: Streams, signal: AbortSignal): Promise<number> {
    for (;;) {
      const text = await streams.stdin.line?.();
      if (text === undefined) return this.#state.lastCode;
      const code = await this.line(text, streams, signal);
      if (this.#state.exitCode !== undefined) return code;
      if (signal.aborted) return 130;
    }
  }

  async #interact(terminal: Terminal, streams: Streams): Promise<number> {
    for (;;) {
      const { directory, variables } = this.#state;
      await streams.stdout(encoder.encode(`${directory === variables.get('HOME') ? '~' : directory} # `));
      const text = await terminal.line();
      if (text === undefined) {
        await streams.stdout(encoder.encode('\n'));
        return this.#state.lastCode;
      }
      const interrupt = new AbortController();
      const stop = () => interrupt.abort();
      this.#signal.addEventListener('abort', stop, { once: true });
      terminal.onInterrupt(stop);
      await this.line(text, streams, interrupt.signal);
      terminal.onInterrupt(undefined);
      this.#signal.removeEventListener('abort', stop);
      if (this.#state.exitCode !== undefined) return this.#state.exitCode;
      if (this.#signal.aborted) return 129;
    }
  }

  async #pipeline({ commands: parts }: Pipeline, streams: Streams, signal: AbortSignal): Promise<number> {
    const pipes = parts.slice(1).map(() => new Pipe());
    const codes = await Promise.all(
      parts.map(async (part, at) => {
        const before = pipes[at - 1];
        const after = pipes[at];
        const code = await this.#command(
          part,
          { ...streams, stdin: before ?? streams.stdin, stdout: after?.write ?? streams.stdout },
          signal,
          parts.length > 1,
        );
        before?.break();
        after?.end();
        return code;
      }),
    );
    return codes.at(-1) ?? 0;
  }

  async #command(part: SimpleCommand, given: Streams, signal: AbortSignal, apart: boolean): Promise<number> {
    const words = part.words.map((word) => ({ text: expandWord(word, (name) => this.#variable(name)), word }));
    // An unquoted variable without a value leaves no word.
    const argv = words
      .filter(({ text, word }) => text !== '' || word.pieces.some(({ quoted }) => quoted))
      .map(({ text }) => text);
    let streams: Streams;
    try {
      streams = this.#redirect(part, given);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await given.stderr(encoder.encode(`sh: can't open: ${error.message}\n`));
      return 1;
    }
    const assignments = argv.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
    const count = assignments < 0 ? argv.length : assignments;
    if (count === argv.length) {
      for (const word of argv) this.#assign(word);
      return 0;
    }
    const state = apart || count > 0 ? { ...this.#state, variables: new Map(this.#state.variables) } : this.#state;
    const runner = state === this.#state ? this : new Runner(this.#machine, state, signal, this.#depth, this.#terminal);
    for (const word of argv.slice(0, count)) runner.#assign(word);
    return runner.run(argv.slice(count), streams, signal);
  }

  #assign(word: string): void {
    const equals = word.indexOf('=');
    this.#state.variables.set(word.slice(0, equals), word.slice(equals + 1));
  }

  #redirect({ redirections }: SimpleCommand, given: Streams): Streams {
    const { files } = this.#machine;
    let { stdin, stdout, stderr } = given;
    for (const { descriptor, mode, target } of redirections) {
      const name = expandWord(target, (variable) => this.#variable(variable));
      const path = resolvePath(this.#state.directory, name);
      if (mode === 'read') {
        let content: Uint8Array | undefined = path === '/dev/null' ? undefined : files.read(path);
        stdin = {
          read() {
            const bytes = content;
            content = undefined;
            return Promise.resolve(bytes);
          },
        };
        continue;
      }
      let writer: ByteWriter;
      if (mode === 'duplicate') writer = name === '2' ? stderr : stdout;
      else {
        if (mode === 'write') files.write(path, new Uint8Array());
        writer = (bytes) => {
          files.write(path, bytes, { append: true });
          return Promise.resolve(true);
        };
      }
      if (descriptor === 2) stderr = writer;
      else stdout = writer;
    }
    return { stdin, stdout, stderr };
  }

  #variable(name: string): string {
    if (name === '?') return String(this.#state.lastCode);
    if (name === '$') return '1';
    if (name === '#') return '0';
    if (name === '0') return 'sh';
    return this.#state.variables.get(name) ?? '';
  }
}

/** Gives lines of a source, and the rest as bytes to whoever asks for bytes. */
class LineSource implements ByteSource {
  readonly #source: ByteSource;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf(10);
      if (end >= 0) {
        const text = decoder.decode(this.#rest.subarray(0, end));
        this.#rest = this.#rest.subarray(end + 1);
        return text;
      }
      const chunk = this.#rest.length > 1024 * 1024 ? undefined : await this.#source.read();
      if (chunk === undefined) {
        if (this.#rest.length === 0) return undefined;
        const text = decoder.decode(this.#rest);
        this.#rest = new Uint8Array();
        return text;
      }
      this.#rest = Buffer.concat([this.#rest, chunk]);
    }
  }

  read(): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) return this.#source.read();
    const bytes = this.#rest;
    this.#rest = new Uint8Array();
    return Promise.resolve(bytes);
  }
}
