/**
 * A scheduler that is not ours: whoever runs it is told where to find the API server, or a command is started that finds it in its
 * environment (SERVER and KUBECONFIG) and is ended with the workload.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ExternalScheduler {
  /** For a shell; undefined: somebody else starts it. */
  readonly command?: string;
}

export interface ExternalServer {
  readonly http: string;
  readonly kubeconfig: string;
}

/** Tells or starts it. The result ends what was started. */
export function beginExternal(
  { command }: ExternalScheduler,
  { http, kubeconfig }: ExternalServer,
  onError: (error: Error) => void,
): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'kubehive-bench-'));
  const path = join(directory, 'kubeconfig');
  writeFileSync(path, kubeconfig, { mode: 0o600 });
  const remove = () => rmSync(directory, { recursive: true, force: true });
  if (command === undefined) {
    process.stdout.write(`external scheduler wanted: ${http} kubeconfig ${path}\n`);
    return remove;
  }
  const child = spawn(command, {
    shell: true,
    // A group of its own, so that what the shell started ends too; its output is no part of the figures.
    detached: true,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, SERVER: http, KUBECONFIG: path },
  });
  let isOver = false;
  child.on('error', onError);
  child.on('exit', (code, signal) => {
    if (!isOver) onError(new Error(`the scheduler "${command}" ended with ${signal ?? code}`));
  });
  return () => {
    isOver = true;
    endGroup(child);
    remove();
  };
}

function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    // It ended just now.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
