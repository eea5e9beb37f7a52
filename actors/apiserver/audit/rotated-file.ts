/**
 * The file of the audit log. When it is full it is put aside under its name and the time, `audit-2026-01-02T15-04-05.000.log`, and
 * a new one begins; old ones go by number and age, as with upstream's log writer. Its owner alone may read it.
 */
import { once } from 'node:events';
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../../src/runtime/index.ts';
import type { AuditLogOption } from './backends.ts';

const MEGABYTE = 1024 * 1024;
const DEFAULT_MEGABYTES = 100;
const DAY_MS = 24 * 60 * 60 * 1000;

export class RotatedFile {
  readonly #option: AuditLogOption;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #stream: WriteStream;
  #bytes: number;
  #compressing: Promise<void> = Promise.resolve();

  /** `failed` is told of what goes wrong behind the writers' backs. */
  constructor(option: AuditLogOption, clock: Clock, failed: (error: unknown) => void) {
    this.#option = option;
    this.#clock = clock;
    this.#failed = failed;
    mkdirSync(dirname(option.path), { recursive: true });
    this.#bytes = existsSync(option.path) ? statSync(option.path).size : 0;
    this.#stream = this.#open();
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#option.path, { flags: 'a', mode: 0o600 });
    stream.on('error', (error) => this.#failed(error));
    return stream;
  }

  /**
   * Writes whole lines, into a new file where they do not fit into this one any more. With `isWaitedFor` it resolves when the
   * system has them, and rejects when it does not take them; otherwise when there is room for more.
   */
  async write(lines: Buffer, isWaitedFor = false): Promise<void> {
    const limit = (this.#option.maxSizeMegabytes || DEFAULT_MEGABYTES) * MEGABYTE;
    if (this.#bytes > 0 && this.#bytes + lines.length > limit) await this.#rotate();
    this.#bytes += lines.length;
    if (isWaitedFor) {
      // What went wrong once may be well by now: a disk was full.
      if (this.#stream.destroyed) this.#stream = this.#open();
      await new Promise<void>((resolve, reject) => {
        this.#stream.write(lines, (error) => (error ? reject(error) : resolve()));
      });
      return;
    }
    if (!this.#stream.write(lines)) await once(this.#stream, 'drain');
  }

  async #rotate(): Promise<void> {
    const nowMs = this.#clock.now();
    await this.#end();
    const { path } = this.#option;
    const { stem, extension } = this.#parts();
    // Two of the same millisecond would be one.
    let aside = '';
    for (let ms = nowMs; aside === '' || existsSync(aside) || existsSync(`${aside}.gz`); ms++) {
      aside = join(
        dirname(path),
        `${stem}-${new Date(ms).toISOString().slice(0, -1).replaceAll(':', '-')}${extension}`,
      );
    }
    renameSync(path, aside);
    this.#bytes = 0;
    this.#stream = this.#open();
    if (this.#option.compress === true) this.#compressing = this.#compressing.then(() => this.#compress(aside));
    this.#removeOld(nowMs);
  }

  #parts(): { stem: string; extension: string } {
    const extension = extname(this.#option.path);
    return { stem: basename(this.#option.path, extension), extension };
  }

  async #compress(path: string): Promise<void> {
    try {
      await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz`, { mode: 0o600 }));
      rmSync(path, { force: true });
    } catch (error) {
      this.#failed(error);
    }
  }

  #removeOld(nowMs: number): void {
    const { path, maxBackups = 0, maxAgeDays = 0 } = this.#option;
    const { stem, extension } = this.#parts();
    const names = readdirSync(dirname(path)).flatMap((name) => {
      const plain = name.endsWith('.gz') ? name.slice(0, -3) : name;
      if (!plain.startsWith(`${stem}-`) || !plain.endsWith(extension)) return [];
      const time = plain.slice(stem.length + 1, plain.length - extension.length);
      const parts = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(time);
      if (parts === null) return [];
      const [, day, hours, minutes, seconds] = parts;
      return [{ name, time, atMs: Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`) }];
    });
    const times = [...new Set(names.map(({ time }) => time))].sort().reverse();
    const kept = new Set(maxBackups > 0 ? times.slice(0, maxBackups) : times);
    for (const { name, time, atMs } of names) {
      if (kept.has(time) && (maxAgeDays === 0 || nowMs - atMs <= maxAgeDays * DAY_MS)) continue;
      rmSync(join(dirname(path), name), { force: true });
    }
  }

  #end(): Promise<void> {
    return new Promise((resolve) => this.#stream.end(() => resolve()));
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#compressing;
  }
}
