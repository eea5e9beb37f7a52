/** Reads the files of `--scheduler-config`: KubeSchedulerConfigurations, checked before anything is started. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parseYaml } from '../api/index.ts';
import { parseConfiguration } from '../scheduling/index.ts';
import { UsageError } from './errors.ts';

/** The configuration with paths that no longer depend on where the file lies. @throws UsageError */
export function readSchedulerConfiguration(file: string): Readonly<Record<string, unknown>> {
  try {
    const value = (parseYaml(readFileSync(file, 'utf8')).value ?? {}) as Record<string, unknown>;
    const { pluginModules } = parseConfiguration(value);
    if (pluginModules.length === 0) return value;
    const from = dirname(resolve(file));
    const absolute = (path: string) => (/^[a-z]+:/i.test(path) || isAbsolute(path) ? path : resolve(from, path));
    return { ...value, pluginModules: pluginModules.map(absolute) };
  } catch (error) {
    throw new UsageError(`--scheduler-config: ${file}: ${(error as Error).message}`);
  }
}
