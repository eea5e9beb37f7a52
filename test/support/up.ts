/** Starts the built `kubehive` command as a user would, for the end-to-end tests. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');

export interface Up {
  readonly process: ChildProcess;
  readonly kubeconfig: string;
  readonly readyLine: string;
  /** Everything printed so far, for messages of failed tests. */
  output(): string;
  /** Sends the signal and resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Runs `kubehive up …args` and resolves at the ready line. Rejects with what it printed when it ends before. */
export function up(args: readonly string[]): Promise<Up> {
  const directory = mkdtempSync(join(tmpdir(), 'kubehive-e2e-'));
  const kubeconfig = join(directory, 'kubeconfig');
  const child = spawn(process.execPath, [cli, 'up', '--kubeconfig', kubeconfig, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      rmSync(directory, { recursive: true, force: true });
      resolve(code);
    });
  });
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      printed += chunk.toString();
      const readyLine = /^ready.*$/m.exec(printed)?.[0];
      if (readyLine === undefined) return;
      readFileSync(kubeconfig);
      resolve({
        process: child,
        kubeconfig,
        readyLine,
        output: () => printed,
        stop: (signal = 'SIGTERM') => {
          child.kill(signal);
          return ended;
        },
      });
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    void ended.then((code) => reject(new Error(`kubehive up ended with ${code}:\n${printed}`)));
  });
}

/** Runs the command, or another `program` of ours, to its end. */
export function run(
  args: readonly string[],
  program = cli,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => {
    // Not at its exit: what it has printed may still be on its way.
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Calls `attempt` until it neither throws nor gives a false value; fails with its last error after `timeoutMs`. */
export async function eventually<Value>(
  attempt: () => Promise<Value>,
  timeoutMs = 30_000,
): Promise<Exclude<Value, false | undefined>> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown;
    try {
      const value = await attempt();
      if (value !== false && value !== undefined) return value as Exclude<Value, false | undefined>;
    } catch (error) {
      failure = error;
    }
    if (performance.now() > until) throw failure ?? new Error(`not within ${timeoutMs} ms: ${attempt}`);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}
