/**
 * Environment variables of containers and where they come from.
 * @see ValidateEnv, ValidateEnvFrom
 */
import type { EnvFromSource, EnvVar, EnvVarSource } from '../generated/types.ts';
import { validateConfigMapKey, validateEnvironmentName } from '../names.ts';
import { at, type Check, type Path } from './check.ts';
import { checkFieldSelector, checkResourceSelector, environmentFields } from './downward-fields.ts';
import { checkNoBacksteps } from './file-paths.ts';
import { nameIsDnsSubdomain } from './metadata.ts';

export function checkEnvironment(check: Check, path: Path, variables: readonly EnvVar[]): void {
  for (let index = 0; index < variables.length; index++) {
    const variable = variables[index] as EnvVar;
    if (!variable.name) check.required(at(path, index), 'name');
    else check.all(at(path, index), 'name', variable.name, validateEnvironmentName(variable.name));
    if (variable.valueFrom !== undefined && variable.valueFrom !== null) {
      checkSource(check, at(at(path, index), 'valueFrom'), variable, variable.valueFrom);
    }
  }
}

function checkSource(check: Check, path: Path, variable: EnvVar, source: EnvVarSource): void {
  let sources = 0;
  if (source.fieldRef) {
    sources += 1;
    checkFieldSelector(check, path, 'fieldRef', source.fieldRef, environmentFields);
  }
  if (source.resourceFieldRef) {
    sources += 1;
    checkResourceSelector(check, at(path, 'resourceFieldRef'), source.resourceFieldRef, false);
  }
  for (const field of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const reference = source[field];
    if (!reference) continue;
    sources += 1;
    const place = at(path, field);
    check.dnsSubdomain(place, 'name', reference.name ?? '');
    if (!reference.key) check.required(place, 'key');
    else check.all(place, 'key', reference.key, validateConfigMapKey(reference.key));
  }
  if (source.fileKeyRef) {
    sources += 1;
    const place = at(path, 'fileKeyRef');
    const { key, path: file, volumeName } = source.fileKeyRef;
    if (!key) check.required(place, 'key');
    else check.all(place, 'key', key, validateEnvironmentName(key));
    if (!volumeName) check.required(place, 'volumeName');
    else check.dnsLabel(place, 'volumeName', volumeName);
    if (!file) check.required(place, 'path');
    else checkNoBacksteps(check, place, 'path', file);
  }
  if (sources === 0) {
    const text =
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    check.invalid(path, '', '', text);
  } else if (variable.value) check.invalid(path, '', '', 'may not be specified when `value` is not empty');
  else if (sources > 1) check.invalid(path, '', '', 'may not have more than one field specified at a time');
}

export function checkEnvironmentSources(check: Check, path: Path, sources: readonly EnvFromSource[]): void {
  sources.forEach((source, index) => {
    if (source.prefix) check.all(at(path, index), 'prefix', source.prefix, validateEnvironmentName(source.prefix));
    let count = 0;
    for (const field of ['configMapRef', 'secretRef'] as const) {
      const reference = source[field];
      if (!reference) continue;
      count += 1;
      const place = at(at(path, index), field);
      if (!reference.name) check.required(place, 'name');
      else check.all(place, 'name', reference.name, nameIsDnsSubdomain(reference.name, true));
    }
    if (count === 0) check.invalid(path, '', '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (count > 1) check.invalid(path, '', '', 'may not have more than one field specified at a time');
  });
}
