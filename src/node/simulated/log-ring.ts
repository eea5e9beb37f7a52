/**
 * The log of a simulated container: a bounded ring of lines with followers. A container that never wrote a line has no ring:
 * its one line (that it runs, and what it would run) is made when somebody reads it.
 */
import type { ContainerLog, LogLine } from '../runtime.ts';

export const logLinesMax = 2000;

export class LogRing implements ContainerLog {
  #lines: LogLine[] = [];
  #first = 0;
  #ended = false;
  readonly #followers = new Set<{ line(line: LogLine): void; ended(): void }>();

  append(line: LogLine): void {
    if (this.#lines.length < logLinesMax) this.#lines.push(line);
    else {
      this.#lines[this.#first] = line;
      this.#first = (this.#first + 1) % logLinesMax;
    }
    for (const follower of this.#followers) follower.line(line);
  }

  end(): void {
    this.#ended = true;
    for (const follower of [...this.#followers]) follower.ended();
    this.#followers.clear();
  }

  get lines(): readonly LogLine[] {
    return [...this.#lines.slice(this.#first), ...this.#lines.slice(0, this.#first)];
  }

  follow(line: (line: LogLine) => void, ended: () => void): () => void {
    if (this.#ended) {
      ended();
      return () => {};
    }
    const follower = { line, ended };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}
