/**
 * The pages about benchmarks and traces are run: every command in a block marked `sh`, from the root of the checkout but with its
 * files in a folder of its own. And they name every option that there is.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const cli = join(root, 'dist/cli.js');
const page = (name: string) => readFileSync(join(root, 'docs', name), 'utf8');

const commandsOf = (text: string): string[] =>
  [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));

/** A folder that sees the documents as the checkout does, and takes what commands write. */
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'kubehive-docs-'));
  symlinkSync(join(root, 'docs'), join(made, 'docs'));
  return made;
}

const wordsOf = (command: string): string[] => {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('kubehive');
  return words;
};

async function runIn(cwd: string, command: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...wordsOf(command)], {
    cwd,
    timeout: 600_000,
    maxBuffer: 2 ** 24,
  });
  return stdout;
}

const optionsOf = async (command: string): Promise<string[]> => {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, command, '--help']);
  const names = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, name = '']) => name);
  return names.filter((name) => name !== '--help');
};

describe('docs/benchmarks.md', () => {
  const text = page('benchmarks.md');

  it('shows commands that run as they stand', async () => {
    const cwd = folder();
    const commands = commandsOf(text);
    expect(commands.length).toBeGreaterThan(7);
    const printed: string[] = [];
    for (const command of commands) printed.push(await runIn(cwd, command));
    expect(printed[0]).toBe('WebAndBatch/small\nWebAndBatch/large\n');
    expect(printed[1]).toMatch(/WebAndBatch +small +50 /);
    expect(JSON.parse(printed[2] ?? '')).toMatchObject({ podsBound: 50, quality: { violations: 0 } });
    expect(readFileSync(join(cwd, 'report/report.html'), 'utf8')).toContain('WebAndBatch/small');
    expect(readFileSync(join(cwd, 'ab/comparison.html'), 'utf8')).toContain('PreferNamedNodes');
  }, 1_800_000);

  it('names every option', async () => {
    for (const option of await optionsOf('bench')) expect(text).toContain(`\`${option}`);
  });
});

describe('docs/traces.md', () => {
  const text = page('traces.md');

  it('shows commands that run as they stand, and a trace that can be replayed', async () => {
    const cwd = folder();
    const [first = '', ...commands] = commandsOf(text);
    expect(first).toMatch(/ &$/);
    const cluster = spawn(process.execPath, [cli, ...wordsOf(first.slice(0, -2))], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await new Promise<void>((resolve, reject) => {
        cluster.stdout.on('data', (chunk: Buffer) => chunk.toString().includes('ready') && resolve());
        cluster.on('exit', (code) => reject(new Error(`the cluster ended with ${code}`)));
      });
      const printed: string[] = [];
      for (const command of commands) printed.push(await runIn(cwd, command));
      expect(printed[0]).toMatch(/objects at the beginning/);
      expect(JSON.parse(printed[1] ?? '')).toHaveProperty('initial');
      expect(JSON.parse(printed.at(-1) ?? '')).toMatchObject({ failed: 0 });
    } finally {
      cluster.kill('SIGTERM');
    }
    const example = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    writeFileSync(join(cwd, 'example.ndjson'), example);
    const outcome = JSON.parse(await runIn(cwd, 'kubehive replay example.ndjson --virtual --json'));
    expect(outcome).toMatchObject({ created: 2, patched: 1, deleted: 1, failed: 0 });
  }, 1_800_000);

  it('names every option', async () => {
    for (const command of ['record', 'replay'])
      for (const option of await optionsOf(command)) expect(text).toContain(`| \`${option}`);
  });
});
