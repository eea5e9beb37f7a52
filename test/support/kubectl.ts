/** Real kubectls for the end-to-end tests: finds those that are installed, and runs them against a cluster. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The minor versions that the tests want; those that are absent are named as skipped. */
export const kubectlMinors = [27, 28, 29, 30, 31, 32, 33];

/** Path of `kubectl.1.<minor>` on PATH, or beside what the `kubectl` on PATH links to. */
export function findKubectl(minor: number): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  const linked = folders
    .map((folder) => join(folder, 'kubectl'))
    .filter((path) => existsSync(path))
    .map((path) => dirname(realpathSync(path)));
  for (const folder of [...folders, ...linked]) {
    for (const name of [`kubectl.1.${minor}`, `kubectl-1.${minor}`, `kubectl1.${minor}`]) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
  }
  return undefined;
}

/** The newest kubectl that is installed, of any version; undefined when there is none. */
export function newestKubectl(): string | undefined {
  for (const minor of kubectlMinors.toReversed()) {
    const path = findKubectl(minor);
    if (path !== undefined) return path;
  }
  return (process.env['PATH'] ?? '')
    .split(':')
    .map((folder) => join(folder, 'kubectl'))
    .find((path) => existsSync(path));
}

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A kubectl bound to one cluster. */
export interface Kubectl {
  /** Runs to its end, whatever the exit code. */
  run(args: readonly string[], stdin?: string): Promise<Output>;
  /** Runs to its end and gives standard output; rejects with everything it printed when the exit code is not 0. */
  ok(args: readonly string[], stdin?: string): Promise<string>;
  /** Starts one that goes on, such as a watch. */
  start(args: readonly string[]): {
    readonly lines: string[];
    stop(): void;
    until(pattern: RegExp, timeoutMs?: number): Promise<string>;
  };
}

export function kubectl(binary: string, kubeconfig: string): Kubectl {
  const base = ['--kubeconfig', kubeconfig];
  const run: Kubectl['run'] = (args, stdin) =>
    new Promise((resolve) => {
      const child = execFile(
        binary,
        [...base, ...args],
        { maxBuffer: 64 << 20, timeout: 120_000 },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
          resolve({ code, stdout, stderr });
        },
      );
      child.stdin?.end(stdin ?? '');
    });
  return {
    run,
    async ok(args, stdin) {
      const { code, stdout, stderr } = await run(args, stdin);
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')} exited with ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    start(args) {
      const child = spawn(binary, [...base, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
      const lines: string[] = [];
      const listeners = new Set<() => void>();
      let rest = '';
      const take = (chunk: Buffer) => {
        const parts = (rest + chunk.toString()).split('\n');
        rest = parts.pop() ?? '';
        lines.push(...parts);
        for (const listener of listeners) listener();
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      return {
        lines,
        stop: () => {
          child.kill('SIGKILL');
        },
        until: (pattern, timeoutMs = 60_000) =>
          new Promise((resolve, reject) => {
            const timer = setTimeout(() => {
              listeners.delete(look);
              reject(new Error(`kubectl ${args.join(' ')} never printed ${pattern}; it printed\n${lines.join('\n')}`));
            }, timeoutMs);
            const look = () => {
              const found = lines.find((line) => pattern.test(line));
              if (found === undefined) return;
              clearTimeout(timer);
              listeners.delete(look);
              resolve(found);
            };
            listeners.add(look);
            look();
          }),
      };
    },
  };
}
