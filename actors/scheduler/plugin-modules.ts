/**
 * Plugins from users: ES modules that the configuration names under `pluginModules`, each of which exports a
 * {@link PluginDefinition} as `plugin`, or several as `plugins`. They run in the scheduler's thread.
 */
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigurationError, type PluginDefinition } from '../../src/scheduling/index.ts';

function isDefinition(value: unknown): value is PluginDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, create } = value as Partial<PluginDefinition>;
  return typeof name === 'string' && name !== '' && typeof create === 'function';
}

/** Loads the modules in order. @throws ConfigurationError for one that cannot be loaded or exports no plugin */
export async function loadPlugins(modules: readonly string[]): Promise<PluginDefinition[]> {
  const found: PluginDefinition[] = [];
  for (const [i, module] of modules.entries()) {
    const at = `pluginModules[${i}]`;
    const isUrl = /^[a-z]+:/i.test(module) && !isAbsolute(module);
    let loaded: { plugin?: unknown; plugins?: unknown };
    try {
      loaded = (await import(isUrl ? module : pathToFileURL(resolve(module)).href)) as typeof loaded;
    } catch (error) {
      throw new ConfigurationError(
        `${at}: Invalid value: ${JSON.stringify(module)}: cannot be loaded: ${(error as Error).message}`,
      );
    }
    const listed = Array.isArray(loaded.plugins) ? loaded.plugins : [loaded.plugin];
    if (!listed.every(isDefinition)) {
      throw new ConfigurationError(
        `${at}: Invalid value: ${JSON.stringify(module)}: must export \`plugin\` (or a list \`plugins\`) with a name and a create function`,
      );
    }
    found.push(...listed);
  }
  return found;
}
