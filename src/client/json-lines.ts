/**
 * Cuts a byte stream into lines for the HTTP client's watches. A line may come in many chunks, and a chunk may end inside a
 * character: bytes are kept until their line is whole.
 */
const newline = 0x0a;

export class JsonLines {
  #parts: Buffer[] = [];

  /** The lines that this chunk completes, without empty ones. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = this.#take(chunk.subarray(start, end)).trim();
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start));
    return lines;
  }

  #take(last: Buffer): string {
    const line = Buffer.concat([...this.#parts, last]).toString('utf8');
    this.#parts = [];
    return line;
  }
}
