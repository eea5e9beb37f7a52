/** Progress bars for people: one line that is redrawn on a terminal, and one line at the end elsewhere. */
import type { WriteStream } from 'node:tty';

const width = 32;

export interface ProgressBar {
  /** `note` is shown behind the bar. */
  update(done: number, total: number, note?: string): void;
  /** Draws the last state and ends the line. */
  finish(note?: string): void;
}

/** A bar titled `title` on `stream` (standard error by default, so that standard output stays parseable). */
export function progressBar(title: string, stream: WriteStream | NodeJS.WriteStream = process.stderr): ProgressBar {
  let done = 0;
  let total = 1;
  let note = '';
  const line = (): string => {
    const filled = total === 0 ? width : Math.round((Math.min(done, total) / total) * width);
    return `${title.padEnd(22)} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total} ${note}`;
  };
  const draw = (): void => {
    if (stream.isTTY) stream.write(`\r\x1b[K${line()}`);
  };
  return {
    update(nowDone, nowTotal, text = '') {
      done = nowDone;
      total = nowTotal;
      note = text;
      draw();
    },
    finish(text = note) {
      note = text;
      stream.write(stream.isTTY ? `\r\x1b[K${line()}\n` : `${line()}\n`);
    },
  };
}
