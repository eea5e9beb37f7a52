/** Builds the test actors for worker threads, which cannot load TypeScript, and rewrites definitions to that build. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { ActorDefinition } from '../../../src/runtime/index.ts';

const root = join(import.meta.dirname, '..', '..', '..');
const rxjs = join(root, 'node_modules/rxjs/dist/esm');
const built = join(root, 'dist', 'test-actors.js');

/** Builds once per test file; written beside and renamed, because two test files may do so at the same time. */
export async function buildActors(): Promise<void> {
  const draft = `${built}.${process.pid}.js`;
  await build({
    absWorkingDir: root,
    entryPoints: ['test/runtime/support/actors.ts'],
    outfile: draft,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    alias: {
      rxjs: join(rxjs, 'index.js'),
      'rxjs/internal/scheduler/timeoutProvider': join(rxjs, 'internal/scheduler/timeoutProvider.js'),
    },
    logLevel: 'warning',
  });
  renameSync(draft, built);
}

/** The same actor, as worker threads load it. */
export function onThreads<Options>(definition: ActorDefinition<Options>): ActorDefinition<Options> {
  return { ...definition, module: pathToFileURL(built).href };
}
