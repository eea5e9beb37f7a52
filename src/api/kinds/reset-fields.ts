/**
 * Which fields a write cannot own, because the server takes them from somewhere else: status on a write of the object, everything
 * but status on a write of status. Field ownership (managedFields, server-side apply) leaves them out.
 * @see the GetResetFields methods of kubernetes/pkg/registry
 */
import { hasStatus } from './prepare.ts';
import type { KindDefinition, MetadataField } from './types.ts';

/** Names of fields from the object down, such as `['metadata', 'labels']`. */
export type FieldNames = readonly string[];

/** Either what is left out, or the only thing that can be owned. */
export type ResetFields = { readonly drop: readonly FieldNames[] } | { readonly keep: readonly FieldNames[] };

const nothing: ResetFields = { drop: [] };
const status: ResetFields = { drop: [['status']] };
const spec: FieldNames = ['spec'];

/** Subresources that write a part of the kind itself. */
const parts: Readonly<Record<string, ResetFields>> = {
  ephemeralcontainers: { keep: [['spec', 'ephemeralContainers']] },
  resize: {
    keep: [
      ['spec', 'containers'],
      ['spec', 'initContainers'],
      ['spec', 'resources'],
    ],
  },
  finalize: status,
};

/** Nobody owns anything of a certificate request but its metadata, decisions where they are made, and the certificate. */
const requests: Readonly<Record<string, ResetFields>> = {
  '': { drop: [spec, ['status']] },
  status: { drop: [spec, ['status', 'conditions']] },
  approval: { drop: [spec, ['status', 'certificate']] },
};

/** What a write of the kind, or of one of its subresources, cannot own. */
export function resetFieldsOf(kind: KindDefinition, subresource?: string): ResetFields {
  if (kind.kind === 'CertificateSigningRequest' && kind.group === 'certificates.k8s.io')
    return requests[subresource ?? ''] ?? nothing;
  if (subresource === undefined) return hasStatus(kind) ? status : nothing;
  if (subresource !== 'status') return parts[subresource] ?? nothing;
  return { drop: [spec, ...metadataOf(kind)] };
}

function metadataOf(kind: KindDefinition): readonly FieldNames[] {
  const kept: readonly MetadataField[] | 'all' | undefined = kind.strategy?.status?.keptMetadata;
  if (kept === undefined || kept === 'all') return [['metadata']];
  return kept.map((field) => ['metadata', field]);
}
