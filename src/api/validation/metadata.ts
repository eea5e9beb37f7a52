/**
 * Rules for the metadata of every kind: labels, annotations, owners and finalizers, and what an update may not change. The API server
 * applies them to all kinds, custom ones too; names have rules of their own, which each kind states.
 * @see apimachinery/pkg/api/validation/objectmeta.go
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { ObjectMeta, OwnerReference } from '../generated/types.ts';
import { maskTrailingDash, validateDnsLabel, validateDnsSubdomain } from '../names.ts';
import { at, Check, type Path } from './check.ts';

const metadataPath = fieldPath('metadata');
/** Of all annotations of an object together. */
const annotationBytesMax = 256 * 1024;
const orphan = 'orphan';
const foreground = 'foregroundDeletion';

/** The rule for names of most kinds: a DNS-1123 subdomain; a prefix may end in a dash. */
export function nameIsDnsSubdomain(name: string, prefix: boolean): string[] {
  return validateDnsSubdomain(prefix ? maskTrailingDash(name) : name);
}

/** The rule for names of namespaces and a few other kinds. */
export function nameIsDnsLabel(name: string, prefix: boolean): string[] {
  return validateDnsLabel(prefix ? maskTrailingDash(name) : name);
}

/**
 * All of metadata but the name.
 */
export function validateMetadata(metadata: ObjectMeta, namespaced: boolean): FieldError[] {
  const check = new Check();
  if (namespaced) {
    if (!metadata.namespace) check.required(metadataPath, 'namespace');
    else check.all(metadataPath, 'namespace', metadata.namespace, validateDnsLabel(metadata.namespace));
  } else if (metadata.namespace) {
    check.forbidden(metadataPath, 'namespace', 'not allowed on this type');
  }
  check.nonNegative(metadataPath, 'generation', metadata.generation);
  checkMembers(check, metadata);
  const { finalizers } = metadata;
  if (finalizers !== undefined && finalizers.length > 0) checkFinalizers(check, finalizers);
  return check.errors;
}

/** What an update of any kind may not change in metadata. */
export function validateMetadataUpdate(metadata: ObjectMeta, previous: ObjectMeta): FieldError[] {
  const check = new Check();
  if (previous.deletionTimestamp !== undefined && metadata.finalizers !== undefined) {
    const added = metadata.finalizers.filter((name) => !previous.finalizers?.includes(name));
    if (added.length > 0) {
      const names = [...new Set(added)].sort().map((name) => JSON.stringify(name));
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names.join(', ')}}`;
      check.forbidden(metadataPath, 'finalizers', text);
    }
  }
  checkMembers(check, metadata);
  return check.errors;
}

function checkMembers(check: Check, metadata: ObjectMeta): void {
  if (metadata.labels !== undefined) checkLabels(check, metadata.labels, metadataPath, 'labels');
  if (metadata.annotations !== undefined) checkAnnotations(check, metadata.annotations, metadataPath, 'annotations');
  if (metadata.ownerReferences !== undefined) checkOwners(check, metadata.ownerReferences);
}

/** Keys and values of labels, and of everything that has their form. */
export function checkLabels(check: Check, labels: Readonly<Record<string, string>>, path: Path, step: string): void {
  for (const key in labels) {
    check.qualifiedName(path, step, key);
    check.labelValue(path, step, labels[key] ?? '');
  }
}

export function checkAnnotations(
  check: Check,
  annotations: Readonly<Record<string, string>>,
  path: Path,
  step: string,
): void {
  let bytes = 0;
  for (const key in annotations) {
    const lower = key.toLowerCase();
    if (lower === key) check.qualifiedName(path, step, key);
    else {
      const inner = new Check();
      inner.qualifiedName(path, step, lower);
      for (const error of inner.errors) check.invalid(path, step, key, error.detail);
    }
    bytes += key.length + (annotations[key]?.length ?? 0);
  }
  // Lengths in UTF-16 units are at most the bytes, and at least a third of them.
  if (bytes > annotationBytesMax / 3 && annotationBytes(annotations) > annotationBytesMax) {
    check.tooLong(path, step, annotationBytesMax);
  }
}

function annotationBytes(annotations: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes;
}

const ownerFields = ['kind', 'name', 'uid'] as const;

function checkOwners(check: Check, owners: readonly OwnerReference[]): void {
  const path = at(metadataPath, 'ownerReferences');
  let controller = '';
  for (const owner of owners) {
    const { apiVersion = '' } = owner;
    if (apiVersion === '' || apiVersion.endsWith('/') || apiVersion.indexOf('/') !== apiVersion.lastIndexOf('/')) {
      check.invalid(path, 'apiVersion', apiVersion, 'version must not be empty');
    }
    for (const field of ownerFields) {
      if (!owner[field]) check.invalid(path, field, '', 'must not be empty');
    }
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      check.invalid(path, '', owner, '/v1, Kind=Event is disallowed from being an owner');
    }
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === '') controller = name;
    else {
      const text = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      check.invalid(path, '', owners, text);
    }
  }
}

function checkFinalizers(check: Check, finalizers: readonly string[]): void {
  for (const finalizer of finalizers) check.qualifiedName(metadataPath, 'finalizers', finalizer);
  if (finalizers.includes(orphan) && finalizers.includes(foreground)) {
    const text = `finalizer ${orphan} and ${foreground} cannot be both set`;
    check.invalid(metadataPath, 'finalizers', finalizers, text);
  }
}

const standardFinalizers: readonly string[] = ['kubernetes', orphan, foreground];

/** Finalizers of the core kinds and those that share their rules: upstream's own, or named with a domain. */
export function checkStandardFinalizer(check: Check, finalizer: string, path: Path, step: string | number): void {
  if (finalizer.includes('/') || standardFinalizers.includes(finalizer)) return;
  const text = 'name is neither a standard finalizer name nor is it fully qualified';
  check.invalid(path, step, finalizer, text);
}

/** The finalizers in metadata, by {@link checkStandardFinalizer}. */
export function checkStandardFinalizers(check: Check, metadata: ObjectMeta | undefined): void {
  const finalizers = metadata?.finalizers;
  if (finalizers === undefined) return;
  const path = at(metadataPath, 'finalizers');
  for (let index = 0; index < finalizers.length; index++) {
    checkStandardFinalizer(check, finalizers[index] ?? '', path, index);
  }
}
