/** Reads series out of what `/metrics` answers. Used by tests that look at what was counted. */
import type { TestServer } from '../actors/apiserver/fixtures.ts';

type Labels = Readonly<Record<string, string>>;

/** The values of one scrape: a series by its name and any of its labels, added up; 0 when there is none. */
export interface Scrape {
  value(name: string, labels?: Labels): number;
  readonly text: string;
}

export async function scrape(server: TestServer, headers: Record<string, string> = {}): Promise<Scrape> {
  const { text } = await server.http('GET', '/metrics', undefined, headers);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return {
    text,
    value(name, labels = {}) {
      const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
      let sum = 0;
      for (const line of lines) {
        const end = line.search(/[{ ]/);
        if (line.slice(0, end) !== name) continue;
        const told = line.slice(end + 1, line.lastIndexOf('}')).split(',');
        if (wanted.every((label) => told.includes(label))) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
      }
      return sum;
    },
  };
}
