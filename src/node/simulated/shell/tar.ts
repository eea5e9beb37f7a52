/**
 * Archives in the ustar form, with the extensions for long names that tar programs write (pax `x`, GNU `L` and `K`): what
 * `kubectl cp` speaks on both sides. @see POSIX.1-1988 ustar, the pax interchange format
 */

import { FileError, type Filesystem, type Node, resolvePath } from './filesystem.ts';
import type { ByteSource, ByteWriter } from './process.ts';

const blockBytes = 512;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Longest name that an archive may give. */
const nameBytesMax = 64 * 1024;

/** Writes `path` and what is below it. `name` is what the archive calls it. */
export async function writeArchive(files: Filesystem, path: string, name: string, write: ByteWriter): Promise<void> {
  const node = files.find(path, false);
  if (node === undefined) throw new FileError('No such file or directory');
  await writeNode(node, name, write);
}

/** Two blocks of zeros end an archive. */
export const archiveEnd = new Uint8Array(2 * blockBytes);

async function writeNode(node: Node, name: string, write: ByteWriter): Promise<void> {
  const shown = node.type === 'directory' && name !== '' ? `${name.replace(/\/$/, '')}/` : name;
  if (shown !== '') await write(headerOf(node, shown));
  if (node.type === 'file') {
    await write(node.bytes);
    const rest = node.bytes.length % blockBytes;
    if (rest > 0) await write(new Uint8Array(blockBytes - rest));
  }
  if (node.type !== 'directory') return;
  for (const [entry, child] of node.entries) await writeNode(child, shown === '' ? entry : `${shown}${entry}`, write);
}

function headerOf(node: Node, name: string): Uint8Array {
  const bytes = encoder.encode(name);
  if (bytes.length <= 100) return block(node, bytes);
  // The long name goes before, as the content of an entry of its own.
  const content = new Uint8Array(Math.ceil((bytes.length + 1) / blockBytes) * blockBytes);
  content.set(bytes);
  const long = block(
    { type: 'file', bytes: new Uint8Array(bytes.length + 1), mode: 0, modifiedMs: 0 },
    encoder.encode('././@LongLink'),
    'L',
  );
  const own = block(node, bytes.subarray(0, 100));
  const all = new Uint8Array(long.length + content.length + own.length);
  all.set(long);
  all.set(content, long.length);
  all.set(own, long.length + content.length);
  return all;
}

function block(node: Node, name: Uint8Array, type?: string): Uint8Array {
  const header = new Uint8Array(blockBytes);
  const text = (at: number, value: string): void => header.set(encoder.encode(value), at);
  const octal = (at: number, length: number, value: number): void =>
    text(
      at,
      `${Math.max(0, Math.floor(value))
        .toString(8)
        .padStart(length - 1, '0')}\0`,
    );
  header.set(name);
  octal(100, 8, node.mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, node.type === 'file' ? node.bytes.length : 0);
  octal(136, 12, node.modifiedMs / 1000);
  text(156, type ?? (node.type === 'file' ? '0' : node.type === 'directory' ? '5' : '2'));
  if (node.type === 'link') text(157, node.target.slice(0, 100));
  text(257, 'ustar\u000000');
  text(265, 'root');
  text(297, 'root');
  text(148, '        ');
  let sum = 0;
  for (const byte of header) sum += byte;
  text(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}

export interface ExtractOptions {
  readonly directory: string;
  /** Takes the time of extraction instead of the archive's. */
  readonly touch: boolean;
  readonly nowMs: number;
  /** Told of every entry, for `-v`. */
  readonly entry?: ((name: string) => void) | undefined;
  /** Only lists. */
  readonly listOnly?: boolean | undefined;
}

/** Reads an archive to its end and puts its files below the directory. @throws FileError */
export async function readArchive(files: Filesystem, source: ByteSource, options: ExtractOptions): Promise<void> {
  const reader = new BlockReader(source);
  let longName: string | undefined;
  let longTarget: string | undefined;
  for (;;) {
    const header = await reader.take(blockBytes);
    if (header === undefined || header.every((byte) => byte === 0)) break;
    checkSum(header);
    const size = octalAt(header, 124, 12);
    const type = String.fromCharCode(header[156] ?? 0);
    if ('xgLK'.includes(type)) {
      if (size > nameBytesMax) throw new FileError('invalid tar header');
      const content = await reader.padded(size);
      if (type === 'L') longName = textOf(content);
      else if (type === 'K') longTarget = textOf(content);
      else if (type === 'x') ({ path: longName = longName, linkpath: longTarget = longTarget } = paxRecords(content));
      continue;
    }
    const prefix = textOf(header.subarray(345, 500));
    const short = textOf(header.subarray(0, 100));
    const name = longName ?? (prefix === '' ? short : `${prefix}/${short}`);
    const target = longTarget ?? textOf(header.subarray(157, 257));
    longName = undefined;
    longTarget = undefined;
    options.entry?.(name);
    const content = type === '0' || type === '\0' ? await reader.padded(size) : undefined;
    if (options.listOnly === true) continue;
    const path = resolvePath(options.directory, name.replace(/^\/+/, ''));
    const modifiedMs = options.touch ? options.nowMs : octalAt(header, 136, 12) * 1000;
    if (content !== undefined) {
      makeParents(files, path);
      files.write(path, content, { mode: octalAt(header, 100, 8) & 0o7777, modifiedMs });
    } else if (type === '5') files.makeDirectory(path, true);
    else if (type === '2') {
      makeParents(files, path);
      files.link(path, target, modifiedMs);
    } else throw new FileError(`${name}: unsupported entry type '${type}'`);
  }
  // The rest, such as padding to the archive's record size, is read so that the writer can finish.
  await reader.drain();
}

function makeParents(files: Filesystem, path: string): void {
  const above = path.slice(0, path.lastIndexOf('/'));
  if (above !== '') files.makeDirectory(above, true);
}

function checkSum(header: Uint8Array): void {
  let sum = 0;
  header.forEach((byte, at) => {
    sum += at >= 148 && at < 156 ? 32 : byte;
  });
  if (sum !== octalAt(header, 148, 8)) throw new FileError('invalid tar magic');
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Numbers are octal text, or binary where the first bit is set. */
function octalAt(header: Uint8Array, at: number, length: number): number {
  if (((header[at] ?? 0) & 0x80) !== 0) {
    let value = 0;
    for (let index = at + 1; index < at + length; index++) value = value * 256 + (header[index] ?? 0);
    return value;
  }
  const value = Number.parseInt(textOf(header.subarray(at, at + length)).trim() || '0', 8);
  if (Number.isNaN(value)) throw new FileError('invalid tar header');
  return value;
}

/** Records of the form `length key=value\n`. */
function paxRecords(content: Uint8Array): Record<string, string> {
  const records: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at);
    const length = space < 0 ? Number.NaN : Number(decoder.decode(content.subarray(at, space)));
    if (!Number.isInteger(length) || length <= 0) break;
    const record = decoder.decode(content.subarray(space + 1, at + length - 1));
    const equals = record.indexOf('=');
    if (equals > 0) records[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return records;
}

/** Takes exact numbers of bytes from a source of chunks. */
class BlockReader {
  readonly #source: ByteSource;
  #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Undefined at the end of the source; throws when it ends in between. */
  async take(size: number): Promise<Uint8Array | undefined> {
    while (this.#bytes < size) {
      const chunk = await this.#source.read();
      if (chunk === undefined) {
        if (this.#bytes === 0) return undefined;
        throw new FileError('short read');
      }
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
    }
    const whole = this.#chunks.length === 1 ? (this.#chunks[0] as Uint8Array) : Buffer.concat(this.#chunks);
    this.#chunks = [whole.subarray(size)];
    this.#bytes -= size;
    return whole.subarray(0, size);
  }

  async padded(size: number): Promise<Uint8Array> {
    if (size > 64 * 1024 * 1024) throw new FileError('No space left on device');
    if (size === 0) return new Uint8Array();
    const bytes = await this.take(Math.ceil(size / blockBytes) * blockBytes);
    if (bytes === undefined) throw new FileError('short read');
    return bytes.slice(0, size);
  }

  async drain(): Promise<void> {
    this.#chunks = [];
    this.#bytes = 0;
    while ((await this.#source.read()) !== undefined);
  }
}
