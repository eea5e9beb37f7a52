/**
 * The options of writes and deletes, from the query or the body, with upstream's checks.
 * @see staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go
 */
import { type FieldError, fieldErrors, StatusError } from '../../src/api/index.ts';
import { checkDeleteOptions, parseBody } from './bodies.ts';
import type { Call, DeleteOptionsBody } from './call.ts';
import { invalidOptions } from './failures.ts';
import { integerOf } from './verbs/list-options.ts';

const OPTION_KINDS: Partial<Record<Call['verb'], string>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
};

const FIELD_VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'];
const FIELD_MANAGER_BYTES_MAX = 128;

/** Reads dryRun, fieldManager and fieldValidation of a create, update or patch. */
export function readWriteOptions(call: Call): void {
  const kind = OPTION_KINDS[call.verb];
  if (kind === undefined) return;
  const errors: FieldError[] = [];
  const dryRun = call.queryAll('dryRun');
  if (dryRun.length > 0) {
    call.dryRun = dryRun.includes('All');
    errors.push(...dryRunErrors(dryRun));
  }
  const manager = call.query['fieldManager'];
  if (call.verb === 'patch') {
    const apply = call.patchType === 'application/apply-patch+yaml';
    if (apply && (manager === undefined || manager === '')) {
      errors.push(fieldErrors.required('fieldManager', 'is required for apply patch'));
    }
    if (!apply && call.query['force'] !== undefined) {
      errors.push(fieldErrors.forbidden('force', 'may not be specified for non-apply patch'));
    }
  }
  if (manager !== undefined && manager.length > FIELD_MANAGER_BYTES_MAX) {
    errors.push(fieldErrors.tooLong('fieldManager', FIELD_MANAGER_BYTES_MAX));
  }
  const unprintable = manager === undefined ? undefined : /[\p{C}\p{Zl}\p{Zp}]/u.exec(manager);
  if (manager !== undefined && unprintable !== undefined && unprintable !== null) {
    const point = (unprintable[0].codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
    const position = Buffer.byteLength(manager.slice(0, unprintable.index));
    errors.push(fieldErrors.invalid('fieldManager', manager, `invalid character U+${point} (at position ${position})`));
  }
  const validation = call.query['fieldValidation'];
  if (validation !== undefined && !FIELD_VALIDATIONS.includes(validation)) {
    errors.push(fieldErrors.notSupported('fieldValidation', validation, FIELD_VALIDATIONS));
  }
  if (errors.length > 0) throw invalidOptions(kind, errors);
  call.fieldManager = manager === undefined || manager === '' ? managerOf(call.userAgent) : manager;
}

/** The manager of a client that names none: its user agent up to the first slash. */
function managerOf(userAgent: string): string {
  const slash = userAgent.indexOf('/');
  return (slash < 0 ? userAgent : userAgent.slice(0, slash)).slice(0, FIELD_MANAGER_BYTES_MAX);
}

function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.every((value) => value === 'All') ? [] : [fieldErrors.notSupported('dryRun', [...values], ['All'])];
}

const POLICIES = ['Foreground', 'Background', 'Orphan'];

/** DeleteOptions from the body, or from the query when there is no body. */
export function decodeDeleteOptions(call: Call): DeleteOptionsBody {
  const options = bodyOptions(call) ?? queryOptions(call);
  const errors: FieldError[] = [];
  const { propagationPolicy, orphanDependents, dryRun } = options;
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    errors.push(
      fieldErrors.invalid(
        'propagationPolicy',
        propagationPolicy,
        'orphanDependents and deletionPropagation cannot be both set',
      ),
    );
  }
  if (propagationPolicy !== undefined && !POLICIES.includes(propagationPolicy)) {
    errors.push(fieldErrors.notSupported('propagationPolicy', propagationPolicy, [...POLICIES, 'nil']));
  }
  if (dryRun !== undefined && dryRun.length > 0) errors.push(...dryRunErrors(dryRun));
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
  call.dryRun = dryRun?.includes('All') ?? false;
  return options;
}

function bodyOptions(call: Call): DeleteOptionsBody | undefined {
  const value = parseBody(call.body);
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw StatusError.badRequest(
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${goTypeOf(value)} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  }
  const body = value as DeleteOptionsBody & { kind?: string; apiVersion?: string };
  if (body.kind !== undefined && body.kind !== 'DeleteOptions') {
    throw StatusError.badRequest(
      `no kind ${JSON.stringify(body.kind)} is registered for version ${JSON.stringify(body.apiVersion ?? '')} in scheme "pkg/apis/meta/internalversion/scheme/register.go:27"`,
    );
  }
  if (call.door === 'http') checkDeleteOptions(body);
  return {
    gracePeriodSeconds: typeof body.gracePeriodSeconds === 'number' ? body.gracePeriodSeconds : undefined,
    propagationPolicy: body.propagationPolicy ?? undefined,
    orphanDependents: body.orphanDependents ?? undefined,
    preconditions: body.preconditions ?? undefined,
    dryRun: Array.isArray(body.dryRun) ? body.dryRun : undefined,
  };
}

function goTypeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value === 'boolean' ? 'bool' : typeof value;
}

function queryOptions(call: Call): DeleteOptionsBody {
  const { query } = call;
  const grace = query['gracePeriodSeconds'];
  const orphan = query['orphanDependents'];
  const dryRun = call.queryAll('dryRun');
  const uid = query['preconditions.uid'];
  return {
    gracePeriodSeconds: integerOf(grace),
    propagationPolicy: query['propagationPolicy'],
    orphanDependents: orphan === undefined ? undefined : orphan !== 'false' && orphan !== '0',
    dryRun: dryRun.length === 0 ? undefined : [...dryRun],
    preconditions: uid === undefined ? undefined : { uid },
  };
}
