/** Commands that read text and print some of it: head, tail, wc, grep, sort, uniq, seq, base64. */
import { FileError, resolvePath } from './filesystem.ts';
import { type Command, type Process, readAll } from './process.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Standard input when no file is named. */
async function contentOf(process: Process, name: string, paths: readonly string[]): Promise<Uint8Array | undefined> {
  if (paths.length === 0) return readAll(process.stdin);
  const parts: Uint8Array[] = [];
  for (const given of paths) {
    try {
      parts.push(process.machine.files.read(resolvePath(process.shell.directory, given)));
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await process.stderr(encoder.encode(`${name}: ${given}: ${error.message}\n`));
      return undefined;
    }
  }
  return Buffer.concat(parts);
}

const linesOf = (bytes: Uint8Array): string[] => {
  const lines = decoder.decode(bytes).split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
};

const printLines = (process: Process, lines: readonly string[]): Promise<boolean> =>
  process.stdout(encoder.encode(lines.map((line) => `${line}\n`).join('')));

/** `-n 5`, `-n5`, `-5`, `-c+10`: the number of head and tail, and what it counts. */
function counted(args: readonly string[]): { count: string; bytes: boolean; paths: string[] } {
  let count = '10';
  let bytes = false;
  const paths: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string;
    const match = /^-([nc])(.*)$/.exec(arg);
    if (match !== null) {
      bytes = match[1] === 'c';
      count = match[2] === '' ? (args[++at] ?? '10') : (match[2] as string);
    } else if (/^-\d+$/.test(arg)) count = arg.slice(1);
    else if (!arg.startsWith('-')) paths.push(arg);
  }
  return { count, bytes, paths };
}

export const textCommands: Readonly<Record<string, Command>> = {
  async head(process, args) {
    const { count, bytes, paths } = counted(args);
    const content = await contentOf(process, 'head', paths);
    if (content === undefined) return 1;
    if (bytes) await process.stdout(content.subarray(0, Number(count)));
    else await printLines(process, linesOf(content).slice(0, Number(count)));
    return 0;
  },
  async tail(process, args) {
    const { count, bytes, paths } = counted(args);
    const content = await contentOf(process, 'tail', paths);
    if (content === undefined) return 1;
    // `+N` counts from the start, and the first is 1.
    const from = count.startsWith('+') ? Math.max(0, Number(count.slice(1)) - 1) : undefined;
    if (bytes) await process.stdout(content.subarray(from ?? Math.max(0, content.length - Number(count))));
    else {
      const lines = linesOf(content);
      await printLines(process, lines.slice(from ?? Math.max(0, lines.length - Number(count))));
    }
    return 0;
  },
  async wc(process, args) {
    const paths = args.filter((arg) => !arg.startsWith('-'));
    const flags = args.filter((arg) => arg.startsWith('-')).join('');
    const content = await contentOf(process, 'wc', paths);
    if (content === undefined) return 1;
    const text = decoder.decode(content);
    const counts: Record<string, number> = {
      l: text.split('\n').length - 1,
      w: text.split(/\s+/).filter((word) => word !== '').length,
      c: content.length,
    };
    const wanted = [...'lwc'].filter((letter) => !/[lwc]/.test(flags) || flags.includes(letter));
    const name = paths.length === 1 ? ` ${paths[0]}` : '';
    await printLines(process, [`${wanted.map((letter) => counts[letter]).join(' ')}${name}`]);
    return 0;
  },
  async grep(process, args) {
    const flags = args.filter((arg) => arg.startsWith('-')).join('');
    const [pattern = '', ...paths] = args.filter((arg) => !arg.startsWith('-'));
    const content = await contentOf(process, 'grep', paths);
    if (content === undefined) return 2;
    // Patterns are plain texts here: a person's regular expression could keep the whole kubelet busy.
    const fold = (text: string): string => (flags.includes('i') ? text.toLowerCase() : text);
    const wanted = fold(pattern);
    const found = linesOf(content).filter((line) => fold(line).includes(wanted) !== flags.includes('v'));
    if (flags.includes('c')) await printLines(process, [String(found.length)]);
    else if (!flags.includes('q')) await printLines(process, found);
    return found.length > 0 ? 0 : 1;
  },
  async sort(process, args) {
    const content = await contentOf(
      process,
      'sort',
      args.filter((arg) => !arg.startsWith('-')),
    );
    if (content === undefined) return 1;
    const lines = linesOf(content).sort();
    if (args.includes('-r')) lines.reverse();
    await printLines(process, lines);
    return 0;
  },
  async uniq(process, args) {
    const content = await contentOf(
      process,
      'uniq',
      args.filter((arg) => !arg.startsWith('-')),
    );
    if (content === undefined) return 1;
    await printLines(
      process,
      linesOf(content).filter((line, at, all) => at === 0 || line !== all[at - 1]),
    );
    return 0;
  },
  async seq(process, args) {
    const numbers = args.map(Number);
    const [first, last] = numbers.length === 1 ? [1, numbers[0] ?? 0] : [numbers[0] ?? 1, numbers.at(-1) ?? 0];
    const step = numbers.length === 3 ? (numbers[1] ?? 1) : 1;
    if (numbers.some(Number.isNaN) || step === 0 || Math.abs((last - first) / step) > 1_000_000) {
      await process.stderr(encoder.encode('seq: invalid number\n'));
      return 1;
    }
    for (let value = first; step > 0 ? value <= last : value >= last; value += step) {
      if (process.signal.aborted || !(await process.stdout(encoder.encode(`${value}\n`)))) return 141;
    }
    return 0;
  },
  async base64(process, args) {
    const content = await contentOf(
      process,
      'base64',
      args.filter((arg) => !arg.startsWith('-')),
    );
    if (content === undefined) return 1;
    if (args.includes('-d')) await process.stdout(Buffer.from(decoder.decode(content), 'base64'));
    else
      await printLines(
        process,
        Buffer.from(content)
          .toString('base64')
          .match(/.{1,76}/g) ?? [''],
      );
    return 0;
  },
};
