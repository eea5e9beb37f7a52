/** The example of the runtime's page is a program: it is cut out of the page and run against the built package. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
// Beside the build, so that the example finds the libraries that it imports.
const folder = mkdtempSync(join(root, 'dist', 'example-'));

afterAll(() => rmSync(folder, { recursive: true }));

describe("the runtime's page", () => {
  it.each(['inline', 'shared', 'dedicated'])('has an example that runs as it stands, placed %s', async (placement) => {
    const page = readFileSync(join(root, 'docs/runtime.md'), 'utf8');
    const example = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const file = join(folder, 'example.mjs');
    writeFileSync(file, example.replace("'kubehive/runtime'", "'../runtime.js'"));
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, placement], { timeout: 60_000 });
    const lines = stdout.trim().split('\n');
    expect(stderr).toBe('');
    expect(lines.slice(4)).toEqual(['thermometer running true', 'alarm running true']);
    for (const line of lines.slice(0, 4)) expect(line).toMatch(/^2[0-4]$/);
  });
});
