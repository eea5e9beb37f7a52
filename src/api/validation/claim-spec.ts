/**
 * Specifications of persistent volume claims: of claims themselves, of templates in StatefulSets and of ephemeral volumes.
 * @see ValidatePersistentVolumeClaimSpec
 */
import type { ObjectMeta, PersistentVolumeClaimSpec, TypedObjectReference } from '../generated/types.ts';
import { metadataOrder } from '../schema.ts';
import { at, type Check, isBlank, keyed, type Path } from './check.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkAnnotations, checkLabels } from './metadata.ts';
import { checkAmount, checkPositiveAmount } from './resource-names.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
export const volumeModes: readonly string[] = ['Block', 'Filesystem'];

export function checkAccessModes(check: Check, path: Path, modes: readonly string[]): void {
  for (const mode of modes) check.oneOf(path, 'accessModes', mode, accessModes);
  const single = modes.includes('ReadWriteOncePod');
  if (single && modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode)))
    check.forbidden(path, 'accessModes', 'may not use ReadWriteOncePod with other access modes');
}

/** `anyGroup`: the API group of sources is not looked at, as in claims that have had one already. */
export function checkClaimSpec(check: Check, path: Path, spec: PersistentVolumeClaimSpec, anyGroup = false): void {
  const modes = spec.accessModes ?? [];
  if (modes.length === 0) check.required(path, 'accessModes', 'at least 1 access mode is required');
  checkLabelSelector(check, spec.selector, path, 'selector');
  checkAccessModes(check, path, modes);
  const storage = spec.resources?.requests?.['storage'];
  const place = keyed(at(path, 'resources'), 'storage');
  if (storage === undefined) check.required(place, '');
  else if (checkPositiveAmount(check, place, storage)) checkAmount(check, place, 'storage', storage);
  if (spec.storageClassName) check.dnsSubdomain(path, 'storageClassName', spec.storageClassName);
  if (spec.volumeMode !== undefined) check.oneOf(path, 'volumeMode', spec.volumeMode, volumeModes);
  const { dataSource, dataSourceRef } = spec;
  if (dataSource) checkDataSource(check, at(path, 'dataSource'), dataSource, anyGroup);
  if (dataSourceRef) {
    checkDataSource(check, at(path, 'dataSourceRef'), dataSourceRef, anyGroup);
    if (dataSourceRef.namespace) check.dnsLabel(at(path, 'dataSourceRef'), 'namespace', dataSourceRef.namespace);
  }
  if (dataSource && dataSourceRef?.namespace)
    check.invalid(path, '', {}, 'may not be specified when dataSourceRef.namespace is specified');
  else if (dataSource && dataSourceRef) {
    const same =
      dataSource.apiGroup === dataSourceRef.apiGroup &&
      dataSource.kind === dataSourceRef.kind &&
      dataSource.name === dataSourceRef.name;
    if (!same) check.invalid(path, '', {}, 'must match dataSourceRef');
  }
  if (spec.volumeAttributesClassName)
    check.dnsSubdomain(path, 'volumeAttributesClassName', spec.volumeAttributesClassName);
}

function checkDataSource(
  check: Check,
  path: Path,
  source: Pick<TypedObjectReference, 'apiGroup' | 'kind' | 'name'>,
  anyGroup: boolean,
): void {
  check.present(path, 'name', source.name);
  check.present(path, 'kind', source.kind);
  if (!source.apiGroup) {
    if (source.kind !== 'PersistentVolumeClaim')
      check.invalid(
        path,
        '',
        source.kind ?? '',
        "must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      );
  } else if (!anyGroup) check.dnsSubdomain(path, 'apiGroup', source.apiGroup);
}

const templateMetadata: readonly string[] = ['labels', 'annotations'];

/** Metadata of templates, which holds labels and annotations only. */
export function checkTemplateMetadata(check: Check, path: Path, metadata: ObjectMeta | undefined): void {
  if (!metadata) return;
  if (metadata.annotations) checkAnnotations(check, metadata.annotations, path, 'annotations');
  if (metadata.labels) checkLabels(check, metadata.labels, path, 'labels');
  for (const field of metadataOrder as readonly (keyof ObjectMeta)[]) {
    if (!templateMetadata.includes(field) && !isBlank(metadata[field])) check.forbidden(path, field, 'cannot be set');
  }
}
