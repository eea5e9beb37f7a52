/**
 * What of upstream's features a workload may ask for: opcodes, kinds and feature gates. What is missing is told before the
 * workload begins; gates that only choose between two ways to the same result are noted.
 */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Workload } from './config.ts';
import { isServed } from './operations/create-any.ts';
import { operations } from './operations/index.ts';

/** Features that cannot be had, by the value that asks for them. */
const missingFeatures: Readonly<Record<string, string>> = {
  DRAExtendedResource: 'extended resources that device classes stand for are not scheduled',
  DRADeviceTaintRules: 'DeviceTaintRules are not served',
  GenericWorkload: 'pod groups are not served, as by default in this release',
  GangScheduling: 'pod groups are not scheduled as one, as by default in this release',
};

/** Gates whose other way is not built in; the result is the same. */
const fixedGates: Readonly<Record<string, boolean>> = {
  SchedulerQueueingHints: true,
  SchedulerAsyncPreemption: true,
  SchedulerAsyncAPICalls: false,
  NodeDeclaredFeatures: false,
};

/** Template files that a workload reads, with whether their objects may be of any kind. */
function* templates(workload: Workload): Iterable<{ path: string; anyKind: boolean }> {
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

/** What a workload asks for that cannot be done here; undefined when it can run. */
export function cannotRun(workload: Workload): string | undefined {
  const known = new Set(operations.map(({ opcode }) => opcode));
  const opcodes = workload.operations.map(({ opcode }) => opcode);
  const missing = [...new Set(opcodes.filter((opcode) => opcode !== '' && opcode !== undefined && !known.has(opcode)))];
  if (missing.length > 0) return `opcode ${missing.join(', ')} is not supported`;
  for (const { path, anyKind } of templates(workload)) {
    if (!anyKind) continue;
    for (const document of parseAllDocuments(textOf(path).replace(/\{\{.*?\}\}/g, '0'))) {
      const object = document.toJS() as { apiVersion?: string; kind?: string } | null;
      if (object && !isServed(object)) return `${object.kind} of ${object.apiVersion} is not served`;
    }
  }
  for (const [gate, on] of Object.entries(workload.featureGates)) {
    if (on && missingFeatures[gate] !== undefined) return `feature gate ${gate}: ${missingFeatures[gate]}`;
  }
  return undefined;
}

/** Gates that the workload wants otherwise than they are here, for its notes. */
export function gateNotes({ featureGates }: Workload): string[] {
  return Object.entries(featureGates)
    .filter(([gate, on]) => fixedGates[gate] !== undefined && fixedGates[gate] !== on)
    .map(([gate, on]) => `feature gate ${gate}=${on} is not a choice here: ran with ${!on}`);
}

/** Does the workload claim devices, so that the controller that makes claims from templates has to run? */
export function claimsDevices(workload: Workload): boolean {
  return [...templates(workload)].some(({ path }) => /resourceClaims|ResourceClaim/.test(textOf(path)));
}
