/** Finds the built code that worker threads load: the host itself, and the modules that define actors. */
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ActorDefinition } from './types.ts';

/** The built host: beside this file in a build, in `dist` when this file runs as source. */
export function hostFile(): string {
  const beside = fileURLToPath(new URL('./host.js', import.meta.url));
  const built = fileURLToPath(new URL('../../dist/host.js', import.meta.url));
  for (const path of import.meta.url.endsWith('.ts') ? [built] : [beside, built]) if (existsSync(path)) return path;
  throw new Error(`worker threads need the built host at ${built}: run the build first`);
}

/**
 * The module that a thread imports for a definition. Threads cannot load TypeScript: a source module
 * `<root>/<path>/index.ts` or `<root>/<path>.ts` is found in the build, as `<root>/dist/<path>.js`.
 */
export function builtModule(module: string): string {
  if (!module.endsWith('.ts')) return module;
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const source = fileURLToPath(module);
  const path = source.slice(root.length).replace(/(\/index)?\.ts$/, '');
  const built = `${root}dist/${path}.js`;
  if (!source.startsWith(root) || !existsSync(built)) {
    throw new Error(
      `worker threads cannot load ${source}, and there is no ${built}: build it, or place the actor inline`,
    );
  }
  return pathToFileURL(built).href;
}

/** Imports a definition: the export of the module that is an actor of that name. */
export async function loadDefinition(module: string, name: string): Promise<ActorDefinition<unknown>> {
  const exports = (await import(module)) as Record<string, unknown>;
  for (const value of Object.values(exports)) {
    if (isDefinition(value) && value.name === name) return value;
  }
  throw new Error(`${module} exports no actor named ${name}`);
}

function isDefinition(value: unknown): value is ActorDefinition<unknown> {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'actor';
}
