// Vitest's global set-up: worker threads cannot load TypeScript, so the bundles are built once before any test.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

export default function setup(): void {
  const built = join(root, 'dist', '.built');
  const recent = existsSync(built) && Date.now() - statSync(built).mtimeMs < 5_000;
  if (recent) return;
  try {
    execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--quick'], { stdio: 'inherit' });
  } catch {
    console.warn('The build failed: tests that start worker threads will fail too.');
  }
}
