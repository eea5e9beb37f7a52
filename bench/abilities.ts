/**
 * What of upstream's features a workload may ask for: opcodes, kinds and feature gates. What is missing is told before the
 * workload begins; gates that cannot be as the workload wants them are noted in its report.
 */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { ConfigurationError, FeatureGates } from '../src/scheduling/index.ts';
import type { Workload } from './config.ts';
import { isKnown, isPreview } from './kinds.ts';
import { operations } from './operations/index.ts';

interface TemplateFile {
  readonly path: string;
  /** Its objects may be of any kind. */
  readonly anyKind: boolean;
}

function* templates(workload: Workload): Iterable<TemplateFile> {
  if (workload.defaultPodTemplatePath !== undefined) yield { path: workload.defaultPodTemplatePath, anyKind: false };
  for (const operation of workload.operations) {
    for (const [key, value] of Object.entries(operation)) {
      const anyKind = key === 'templatePath' || key === 'templatePaths';
      if (key.endsWith('Path') && typeof value === 'string') yield { path: value, anyKind };
      if (key.endsWith('Paths') && Array.isArray(value))
        for (const path of value) yield { path: String(path), anyKind };
    }
  }
}

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The operation that reads it says so.
    return '';
  }
};

/** The kinds of the objects that a workload makes of templates for any kind. */
function* kindsOf(workload: Workload): Iterable<{ apiVersion?: string; kind?: string }> {
  for (const { path, anyKind } of templates(workload)) {
    if (!anyKind) continue;
    for (const document of parseAllDocuments(textOf(path).replace(/\{\{.*?\}\}/g, '0'))) {
      const object = document.toJS() as { apiVersion?: string; kind?: string } | null;
      if (object !== null) yield object;
    }
  }
}

/** The alpha and beta versions that have to be switched on for a workload's objects. */
export const runtimeConfigOf = (workload: Workload): Readonly<Record<string, string>> =>
  Object.fromEntries([...kindsOf(workload)].filter(isPreview).map(({ apiVersion = '' }) => [apiVersion, 'true']));

/** What a workload asks for that cannot be done here; undefined when it can run. */
export function cannotRun(workload: Workload): string | undefined {
  const known = new Set(operations.map(({ opcode }) => opcode));
  const opcodes = workload.operations.map(({ opcode }) => opcode);
  const missing = [...new Set(opcodes.filter((opcode) => !known.has(opcode)))];
  if (missing.length > 0) return `opcode ${missing.join(', ')} is not supported`;
  for (const object of kindsOf(workload)) {
    if (!isKnown(object)) return `there is no kind ${object.kind} in ${object.apiVersion}`;
  }
  return undefined;
}

/** The feature gates of a workload as far as they can be set, and for its notes those that cannot. */
export function gatesOf({ featureGates }: Workload): {
  readonly gates: Readonly<Record<string, boolean>>;
  readonly notes: readonly string[];
} {
  const gates = { ...featureGates };
  const notes: string[] = [];
  for (;;) {
    try {
      for (const name of FeatureGates.from(gates).withoutEffect)
        notes.push(`feature gate ${name}=${gates[name]} has no effect here: ran with ${!gates[name]}`);
      return { gates, notes };
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      const name = Object.keys(gates).find((gate) => new RegExp(`\\b${gate}\\b`).test(error.message));
      if (name === undefined) throw error;
      notes.push(`feature gate ${name}=${gates[name]} is left out: ${error.message}`);
      delete gates[name];
    }
  }
}

/** Does the workload claim devices, so that the controller that makes claims from templates has to run? */
export function claimsDevices(workload: Workload): boolean {
  return [...templates(workload)].some(({ path }) => /resourceClaims|ResourceClaim/.test(textOf(path)));
}
