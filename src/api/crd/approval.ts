/**
 * Groups of Kubernetes' own need a word on their approval: an annotation with the address of the approval, or why there is none.
 * @see apiextensions-apiserver/pkg/apihelpers/helpers.go GetAPIApprovalState, controller/apiapproval
 */
import { quote } from '../go-text.ts';

export const approvalAnnotation = 'api-approved.kubernetes.io';

export interface Approval {
  readonly state: 'missing' | 'invalid' | 'approved' | 'bypassed';
  readonly reason: string;
}

export const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

export function approvalOf(annotations: Readonly<Record<string, string>> | undefined): Approval {
  const value = annotations?.[approvalAnnotation] ?? '';
  const what = `protected groups must have approval annotation "${approvalAnnotation}"`;
  const see = 'see https://github.com/kubernetes/enhancements/pull/1111';
  if (value === '') return { state: 'missing', reason: `${what}, ${see}` };
  if (value.startsWith('unapproved')) return { state: 'bypassed', reason: `not approved: ${quote(value)}` };
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+/i.test(value) && URL.canParse(value))
    return { state: 'approved', reason: `approved in ${value}` };
  return { state: 'invalid', reason: `${what} with either a URL or a reason starting with "unapproved", ${see}` };
}

const reasons = {
  missing: 'MissingAnnotation',
  invalid: 'InvalidAnnotation',
  approved: 'ApprovedAnnotation',
  bypassed: 'UnapprovedAnnotation',
} as const;

/** What the status of a definition says of it; undefined for groups that need no approval. */
export function approvalCondition(group: string, annotations: Readonly<Record<string, string>> | undefined) {
  if (!isProtectedGroup(group)) return undefined;
  const { state, reason } = approvalOf(annotations);
  const status = state === 'approved' ? 'True' : 'False';
  return { type: 'KubernetesAPIApprovalPolicyConformant', status, reason: reasons[state], message: reason };
}
