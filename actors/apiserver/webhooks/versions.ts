/**
 * Objects on their way to webhooks and back: in the version that a webhook wants, and as what a subresource shows. What a webhook
 * makes of an object is put back in place, so that everybody who holds the object sees it.
 */
import {
  type ApiObject,
  decodePatched,
  type KindDefinition,
  StatusError,
  takeManagedFields,
  unpackOwners,
  withManagedFields,
} from '../../../src/api/index.ts';
import type { Attributes } from '../admission/plugin.ts';
import { expectedKindOf, type NamedKind } from '../bodies.ts';
import { copyOf } from '../cache/entry.ts';
import { apiVersionOf, storedKindOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { subresourceHandlerOf } from '../subresources/index.ts';
import { connectionObject } from './connections.ts';
import { convertObject } from './conversion.ts';

/** The body of a subresource that is of a kind of its own, such as a Scale. */
interface Part {
  readonly kind: NamedKind;
  /** Where the part is written into its object again. */
  readonly write: ((object: ApiObject, part: ApiObject, kind: KindDefinition) => void) | undefined;
  readonly read: ((object: ApiObject, kind: KindDefinition) => ApiObject) | undefined;
}

function partOf({ call }: Attributes): Part | undefined {
  const { subresource, kind } = call;
  if (subresource?.kind === undefined) return undefined;
  const handler = subresourceHandlerOf(call)?.part;
  return {
    kind: handler?.kind ?? {
      group: subresource.group ?? kind.group,
      version: subresource.version ?? kind.version,
      kind: subresource.kind,
      definition: subresource.definition ?? kind.definition,
    },
    write: handler?.write,
    read: handler?.read,
  };
}

/** The new object as `kind` shows it: a copy. */
export function shownObject(attributes: Attributes, kind: KindDefinition, server: Server): ApiObject | undefined {
  const { object, call } = attributes;
  if (attributes.operation === 'CONNECT') return connectionObject(call);
  if (object === undefined) return undefined;
  const part = partOf(attributes);
  if (part !== undefined) return typed(copyOf(call.part ?? object), part.kind);
  const { schema } = server.cacheOf(attributes.kind).fields ?? {};
  return inVersion(withManagedFields(object, unpackOwners(call.owners, schema)), kind);
}

/** The object that is there, as `kind` shows it. */
export function shownPrevious(attributes: Attributes, kind: KindDefinition): ApiObject | undefined {
  const { previous, operation, call } = attributes;
  if (previous === undefined || operation === 'CREATE' || operation === 'CONNECT') return undefined;
  const part = partOf(attributes);
  if (part !== undefined) return part.read === undefined ? undefined : typed(part.read(previous, kind), part.kind);
  return inVersion(call.previous?.whole ?? previous, kind);
}

/** Both objects as `kind` shows them, also where it takes a webhook to convert them. */
export async function shownIn(attributes: Attributes, kind: KindDefinition, server: Server) {
  const object = shownObject(attributes, kind, server);
  const previous = shownPrevious(attributes, kind);
  if (kind.conversion?.webhook === undefined) return { object, previous };
  return {
    object: object === undefined ? undefined : await convertObject(object, kind, server),
    previous: previous === undefined ? undefined : await convertObject(previous, kind, server),
  };
}

/** What only a webhook can convert stays in the version that it is in. */
function inVersion(object: ApiObject, kind: KindDefinition): ApiObject {
  const copy = copyOf(object);
  const { conversion } = kind;
  if (conversion?.webhook !== undefined) return copy;
  return typed(conversion === undefined ? copy : conversion.fromStored(copy), kind);
}

function typed(object: ApiObject, kind: NamedKind | KindDefinition): ApiObject {
  const { kind: _kind, apiVersion: _version, ...rest } = object;
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), ...rest } as ApiObject;
}

/**
 * Takes over what a webhook has made of the object that it was shown.
 * @throws StatusError 500 when that is none of its kind
 */
export async function takeOver(
  attributes: Attributes,
  kind: KindDefinition,
  changed: unknown,
  server: Server,
): Promise<void> {
  const part = partOf(attributes);
  const expected = expectedKindOf(part?.kind ?? kind);
  const { object } = decodePatched(changed, expected, 'Ignore', (reason) => StatusError.internalError(reason));
  object.metadata ??= {};
  // Who owns what was worked out when the request came in.
  takeManagedFields(object);
  if (part !== undefined) {
    const target = attributes.call.part;
    if (target !== undefined) replace(target, object);
    const whole = attributes.call.object;
    if (whole !== undefined) part.write?.(whole, object, attributes.kind);
    return;
  }
  kind.strategy?.defaults?.(object);
  if (kind.conversion?.webhook !== undefined) {
    replace(attributes.object as ApiObject, await convertObject(object, attributes.kind, server));
    return;
  }
  const stored = kind.conversion === undefined ? object : kind.conversion.toStored(object);
  if (kind.conversion !== undefined) storedKindOf(kind, server.registry).strategy?.defaults?.(stored);
  replace(attributes.object as ApiObject, stored);
}

function replace(target: ApiObject, content: ApiObject): void {
  for (const name of Object.keys(target)) delete target[name];
  Object.assign(target, content);
}
