/** What a subresource does that is not simply an update of its object. One file each, one line in index.ts. */
import type { ApiObject, FieldError, GroupName, KindDefinition } from '../../../src/api/index.ts';
import type { NamedKind } from '../bodies.ts';
import type { Call } from '../call.ts';
import type { Server } from '../server.ts';

export interface SubresourceHandler {
  readonly name: string;
  /** Storage prefixes of the kinds that it is for; omitted: every kind that serves a subresource of this name. */
  readonly kinds?: readonly string[];
  /** The subresource shows a part of the object as another kind. */
  readonly part?: {
    readonly kind: NamedKind;
    /** `toChange`: what a change begins with, also where the object does not have the part yet. */
    read(object: ApiObject, kind: KindDefinition, toChange?: boolean): ApiObject;
    /** Where in the object its replicas are: what may be written of the part. */
    path(kind: KindDefinition): readonly string[];
    /** Puts a changed part into the object, in place. */
    write(object: ApiObject, part: ApiObject, kind: KindDefinition): void;
    /** What is wrong with the part itself, before its object is looked at. */
    validate?(part: ApiObject, kind: KindDefinition): readonly FieldError[];
    /** How an object that is not there is named, where that is not by its kind. */
    absent?(kind: KindDefinition, access: 'read' | 'write'): GroupName | undefined;
  };
  /** Answers a create; the decoded body is `call.part`. */
  create?(call: Call, server: Server): void | Promise<void>;
  /** Answers any verb without a body: logs, exec, proxy. */
  connect?(call: Call, server: Server): void | Promise<void>;
}
