/** The README's example is a program: it is cut out of the page and run against the built package. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('the README', () => {
  it('embeds a cluster in some twenty lines that run as they stand', async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(example.trim().split('\n').length).toBeLessThanOrEqual(22);
    const file = join(mkdtempSync(join(tmpdir(), 'kubehive-readme-')), 'example.mjs');
    writeFileSync(file, example.replace("'kubehive'", JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href)));
    const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 60_000 });
    const lines = stdout.trim().split('\n');
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^web-\S+ Running on node-[012]$/);
  });

  it('names only commands and files that there are', async () => {
    const commands = [...readme.matchAll(/^npx kubehive (\w+)/gm)].map((match) => match[1] ?? '');
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'dist/cli.js'), '--help']);
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    for (const [, link = ''] of readme.matchAll(/\]\(([^)#:]+)\)/g))
      expect(() => readFileSync(join(root, link)), link).not.toThrow(/ENOENT/);
  });
});
