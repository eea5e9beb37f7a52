/** An admission plugin: one file each, one line in index.ts. @see staging/src/k8s.io/apiserver/pkg/admission/interfaces.go */
import type { ApiObject, KindDefinition } from '../../../src/api/index.ts';
import type { Call } from '../call.ts';
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
}

export interface AdmissionPlugin {
  /** Upstream's name. */
  readonly name: string;
  /** Whether it has anything to do for such requests at all; asked once per kind, operation and subresource. */
  handles(kind: KindDefinition, operation: Operation, subresource: string): boolean;
  mutate?(attributes: Attributes, server: Server): void | Promise<void>;
  validate?(attributes: Attributes, server: Server): void | Promise<void>;
}
