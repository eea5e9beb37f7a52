/** The page on security claims nothing that no test shows: each row of its table names tests that there are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const page = readFileSync(join(docs, 'security.md'), 'utf8');
const table = /## What is protected, and how\n\n([\s\S]*?)\n\n/.exec(page)?.[1] ?? '';
const rows = table
  .split('\n')
  .slice(2)
  .map((line) => line.split(' |'));

it('has a table of what is protected', () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) expect(row, row[0]).toHaveLength(5);
});

it.each(rows.map((row) => [row[0]?.slice(2) ?? '', row[3] ?? '']))('%s: the tests are there', (_what, cell) => {
  const links = [...cell.matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)];
  expect(links.length).toBeGreaterThan(0);
  for (const [, title = '', path = ''] of links) expect(readFileSync(join(docs, path), 'utf8')).toContain(title);
});
