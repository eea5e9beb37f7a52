/** Checks what is about to be written: metadata by the common rules, the rest by the kind's strategy. */
import {
  type ApiObject,
  expressionsIfLoaded,
  type FieldError,
  fieldErrors,
  loadExpressions,
  nameIsDnsSubdomain,
  type ObjectMeta,
  StatusError,
  type Strategy,
  validateMetadata,
  validateMetadataUpdate,
} from '../../../src/api/index.ts';
import { claimErrors, hasClaimRights } from '../authorization/claim-rights.ts';
import type { Call } from '../call.ts';
import { invalidOf, resourceOf } from '../failures.ts';
import { storedKindOf } from '../kinds.ts';
import type { Server } from '../server.ts';
import { virtualKindOf } from '../virtual/index.ts';

export function validate(call: Call, server: Server): void | Promise<void> {
  const { object } = call;
  if (object === undefined || virtualKindOf(call.kind) !== undefined) return;
  const kind = storedKindOf(call.kind, server.registry);
  const loads = expressionsIfLoaded() === undefined && kind.strategy?.usesExpressions?.(object) === true;
  if (!loads && !hasClaimRights(kind)) return check(call, object, server, []);
  return validateLater(call, object, server, loads);
}

async function validateLater(call: Call, object: ApiObject, server: Server, loads: boolean): Promise<void> {
  if (loads) await loadExpressions();
  const kind = storedKindOf(call.kind, server.registry);
  check(call, object, server, hasClaimRights(kind) ? await claimErrors(call, object, server) : []);
}

/** `refused`: errors that stand before those of the kind's own rules. */
function check(call: Call, object: ApiObject, server: Server, refused: readonly FieldError[]): void {
  const { previous } = call;
  const kind = storedKindOf(call.kind, server.registry);
  const settings = server.strategyContext(call.dryRun);
  const context = kind.group === call.kind.group ? settings : { requestGroup: call.kind.group, ...settings };
  const { strategy } = kind;
  let errors: FieldError[];
  if (previous === undefined) {
    errors = [
      ...nameErrors(object, strategy?.validateName ?? nameIsDnsSubdomain),
      ...validateMetadata(object.metadata as ObjectMeta, kind.namespaced),
      ...refused,
      ...(strategy?.validate?.(object, context) ?? []),
    ];
  } else {
    const subresource = call.part === undefined ? call.subresource?.name : undefined;
    const rules =
      subresource === undefined
        ? strategy
        : subresource === 'status'
          ? strategy?.status
          : strategy?.subresources?.[subresource];
    // A part is written into the object as it is: it cannot be out of date.
    const unconditional = call.expectedRevision === undefined && call.verb === 'update' && call.part === undefined;
    if (unconditional && strategy?.allowUnconditionalUpdate === false) {
      // The storage refuses it, which knows of resources and not of kinds.
      throw StatusError.invalid(resourceOf(call.kind), object.metadata.name ?? '', [
        fieldErrors.invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
      ]);
    }
    const repeated = rules === strategy ? strategy?.metadataOnUpdate : undefined;
    errors = [
      ...metadataErrors(object, previous.object, kind.namespaced, repeated),
      ...refused,
      ...(rules?.validateUpdate?.(object, previous.object, context) ?? []),
    ];
  }
  if (errors.length > 0) throw invalidOf(call.kind, object.metadata.name ?? '', errors);
  // Clients on the bus, the components, have nobody to show them to.
  if (strategy?.warnings !== undefined && call.attempt === 1 && call.door === 'http') {
    call.warnings.push(...strategy.warnings(object, previous?.object));
  }
}

/** Upstream looks at metadata in the general part of an update and again in the kind's own, and tells of both. */
function metadataErrors(
  object: ApiObject,
  previous: ApiObject,
  namespaced: boolean,
  repeated: NonNullable<Strategy['metadataOnUpdate']> = ['changes'],
): FieldError[] {
  const metadata = object.metadata as ObjectMeta;
  const whole = validateMetadata(metadata, namespaced);
  const changes = validateMetadataUpdate(metadata, previous.metadata as ObjectMeta);
  if (whole.length === 0 && changes.length === 0) return whole;
  return [...whole, ...changes, ...repeated.flatMap((part) => (part === 'whole' ? whole : changes))];
}

function nameErrors(object: ApiObject, validateName: (name: string, prefix: boolean) => string[]): FieldError[] {
  const { name, generateName } = object.metadata as { name?: string; generateName?: string };
  const errors: FieldError[] = [];
  if (generateName !== undefined && generateName !== '') {
    errors.push(
      ...validateName(generateName, true).map((text) =>
        fieldErrors.invalid('metadata.generateName', generateName, text),
      ),
    );
  }
  if (name === undefined || name === '') {
    errors.push(fieldErrors.required('metadata.name', 'name or generateName is required'));
  } else {
    errors.push(...validateName(name, false).map((text) => fieldErrors.invalid('metadata.name', name, text)));
  }
  return errors;
}
