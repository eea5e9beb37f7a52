/**
 * Reads the file of `--admission-control-config-file`: an AdmissionConfiguration, whose plugins bring their configuration with
 * them or name a file of their own. @see staging/src/k8s.io/apiserver/pkg/admission/config.go
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseYaml } from '../api/index.ts';
import { UsageError } from './errors.ts';

const FLAG = '--admission-control-config-file';

/** Configurations by plugin name. @throws UsageError that names the file and what is wrong in it */
export function readAdmissionConfiguration(file: string): Readonly<Record<string, unknown>> {
  const read = readYaml(file) as { kind?: unknown; plugins?: unknown } | null;
  if (read?.kind !== 'AdmissionConfiguration' || !Array.isArray(read.plugins)) {
    throw new UsageError(`${FLAG}: ${file} is not an AdmissionConfiguration with a list of plugins`);
  }
  const configurations: Record<string, unknown> = {};
  const plugins = read.plugins as (Partial<Record<string, unknown>> | null)[];
  for (const [index, entry] of plugins.entries()) {
    const { name, configuration, path, ...more } = entry ?? {};
    const at = `${FLAG}: ${file}: plugins[${index}]`;
    if (typeof name !== 'string') throw new UsageError(`${at} has no name`);
    const [unknown] = Object.keys(more);
    if (unknown !== undefined) throw new UsageError(`${at}: unknown field ${JSON.stringify(unknown)}`);
    if (Object.hasOwn(configurations, name)) throw new UsageError(`${at}: ${name} is there already`);
    configurations[name] =
      typeof path === 'string' && path !== '' ? readYaml(resolve(dirname(file), path)) : configuration;
  }
  return configurations;
}

function readYaml(file: string): unknown {
  try {
    return parseYaml(readFileSync(file, 'utf8')).value;
  } catch (error) {
    throw new UsageError(`${FLAG}: ${file}: ${(error as Error).message.split('\n')[0]}`);
  }
}
