/**
 * Runs a workload in a process of its own, with a limit of time: what runs out of memory, crashes or hangs ends that process and
 * not the run, and the memory that is measured is the workload's alone.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../src/runtime/index.ts';
import type { Workload } from './config.ts';
import type { RunOptions, WorkloadResult } from './runner.ts';

/** What the process is to do. */
export interface Job {
  readonly workload: Workload;
  readonly options: RunOptions;
}

/** What the process tells: steps, and at last a result or a failure. */
export type Told =
  | { readonly step: string }
  | { readonly result: WorkloadResult & { readonly peakRssBytes: number } }
  | { readonly failure: string };

/** What a failed process wrote last: enough for the reason that Node.js gives when memory runs out. */
const keptCharacters = 2000;

/** Rejects with what the process told, how it ended, or that it took longer than `timeoutMs`. */
export function runIsolated(
  options: RunOptions,
  workload: Workload,
  timeoutMs: number | undefined,
  clock: Clock,
  onStep: (text: string) => void,
): Promise<WorkloadResult> {
  // Beside the bundle; from the sources the build has to be there too, as for the actors' hosts.
  const entries = ['./bench-workload.js', '../dist/bench-workload.js'];
  const isBundle = import.meta.url.includes('/dist/');
  const entry = fileURLToPath(new URL(entries[isBundle ? 0 : 1]!, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = fork(entry, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    let written = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      written = (written + chunk.toString()).slice(-keptCharacters);
    });
    const limit =
      timeoutMs === undefined
        ? undefined
        : clock.after(timeoutMs, () => {
            reject(new Error(`not done after ${timeoutMs / 1000} s`));
            child.kill('SIGKILL');
          });
    child.on('message', (told: Told) => {
      if ('step' in told) onStep(told.step);
      else if ('result' in told) resolve(told.result);
      else reject(new Error(told.failure));
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      limit?.cancel();
      reject(new Error(`its process ended with ${signal ?? code}: ${written.trim()}`));
    });
    child.send({ workload, options } satisfies Job);
  });
}
