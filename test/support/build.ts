// Vitest's global set-up: worker threads cannot load TypeScript, so the bundles are built before any test.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const build = join(import.meta.dirname, '..', '..', 'scripts', 'build.mjs');

export default function setup(): void {
  execFileSync(process.execPath, [build, '--quick', '--if-stale'], { stdio: 'inherit' });
}
