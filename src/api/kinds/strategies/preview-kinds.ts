/**
 * Strategies of the kinds that have no stable version.
 * @see pkg/registry/certificates, pkg/registry/coordination/leasecandidate, pkg/registry/resource, pkg/registry/scheduling
 */
import type {
  CertificatesV1beta1ClusterTrustBundle,
  DeviceTaint,
  PodCertificateRequest,
  PodGroup,
  ResourcePoolStatusRequest,
  ResourceV1beta2DeviceTaintRule,
} from '../../generated/types.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';
import type { Strategy } from '../types.ts';

export const trustBundleSelectableFields = selectableFieldsOf<CertificatesV1beta1ClusterTrustBundle>({
  'spec.signerName': (bundle) => bundle.spec?.signerName ?? '',
});

const SECONDS_DEFAULT = 86_400;

export const podCertificateRequestStrategy = strategyOf<PodCertificateRequest>({
  generation: false,
  defaults(request) {
    if (request.spec !== undefined) request.spec.maxExpirationSeconds ??= SECONDS_DEFAULT;
  },
});

export const podCertificateRequestSelectableFields = selectableFieldsOf<PodCertificateRequest>({
  'spec.signerName': (request) => request.spec?.signerName ?? '',
  'spec.podName': (request) => request.spec?.podName ?? '',
  'spec.nodeName': (request) => request.spec?.nodeName ?? '',
});

/** A taint is as old as its effect, if nobody says otherwise. */
export const deviceTaintRuleStrategy = strategyOf<ResourceV1beta2DeviceTaintRule>({
  prepareForCreate(rule, context) {
    if (rule.spec?.taint !== undefined) rule.spec.taint.timeAdded ??= context.now;
  },
  prepareForUpdate(rule, previous, context) {
    const taint: DeviceTaint | undefined = rule.spec?.taint;
    const before: DeviceTaint | undefined = previous.spec?.taint;
    if (taint === undefined) return;
    if (taint.effect !== before?.effect && (taint.timeAdded ?? before?.timeAdded) === before?.timeAdded)
      taint.timeAdded = context.now;
    else taint.timeAdded ??= before?.timeAdded ?? context.now;
  },
});

/** Nobody has counted yet: the status is not there, where others' is empty. */
export const poolStatusRequestStrategy = strategyOf<ResourcePoolStatusRequest>({
  defaults(request) {
    if (request.spec !== undefined) request.spec.limit ??= 100;
  },
  initialStatus: () => undefined,
});

export const podGroupStrategy = strategyOf<PodGroup>({
  defaults(group) {
    if (group.spec !== undefined) group.spec.disruptionMode ??= 'Pod';
  },
});

export const storageVersionMigrationStrategy: Strategy = { generation: true };
