/** An admission plugin: one file each, one line in index.ts. @see staging/src/k8s.io/apiserver/pkg/admission/interfaces.go */
import type { ApiObject, KindDefinition, StatusError } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
import { forbiddenOf } from '../failures.ts';
import type { Server } from '../server.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What a plugin is asked about. */
export interface Attributes {
  readonly call: Call;
  readonly operation: Operation;
  readonly kind: KindDefinition;
  /** Empty for the object itself. */
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** What is to be written; changed in place by mutating plugins. Undefined for deletes. */
  readonly object: ApiObject | undefined;
  readonly previous: ApiObject | undefined;
  /** Of the mutating half: whether it has to run once more, and whether this is that second run. */
  readonly reinvocation: Reinvocation;
}

/** A plugin that calls others out sets `needed` when it has changed the object: all mutating plugins then see it once more. */
export interface Reinvocation {
  needed: boolean;
  second: boolean;
  /** What plugins remember from the first run to the second, by their names. */
  readonly memory: Map<string, unknown>;
}

export interface AdmissionPlugin {
  /** Upstream's name. */
  readonly name: string;
  /** Off unless it is switched on, as upstream. */
  readonly isOffByDefault?: true;
  /** Whether it has anything to do for such requests at all; asked once per kind, operation and subresource. */
  handles(kind: KindDefinition, operation: Operation, subresource: string): boolean;
  /** Storage prefixes of kinds without an object of which it has nothing to say: it is not even asked then. */
  readonly needs?: readonly string[];
  mutate?(attributes: Attributes, server: Server): void | Promise<void>;
  validate?(attributes: Attributes, server: Server): void | Promise<void>;
  /**
   * The plugin with a configuration: what the admission configuration says under its name, undefined when nothing.
   * @throws AdmissionConfigurationError
   */
  configure?(configuration: unknown): AdmissionPlugin;
}

/** The admission plugins cannot be set up as they were asked for; `message` says what is wrong. */
export class AdmissionConfigurationError extends Error {
  override readonly name = 'AdmissionConfigurationError';
}

/** 403 about the object. One whose name is still to be generated goes by what its name begins with. */
export function refusal({ kind, name, object }: Attributes, message: string): StatusError {
  const { generateName } = (object?.metadata ?? {}) as { generateName?: string };
  return forbiddenOf(kind, name !== '' ? name : generateName || 'Unknown', message);
}

/** A configuration's member that has to be a list of strings; empty when it is left out. */
export function stringsOf(configuration: unknown, path: readonly string[], plugin: string): readonly string[] {
  let value: unknown = configuration;
  for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new AdmissionConfigurationError(`${plugin}: ${path.join('.')} must be a list of strings`);
}
