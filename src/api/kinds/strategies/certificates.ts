/**
 * CertificateSigningRequest: who asks is the server's to say, not the client's; approval and certificate are written through
 * subresources of their own.
 * @see pkg/registry/certificates/certificates/strategy.go
 */
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../../generated/types.ts';
import { selectableFieldsOf, strategyOf } from '../strategy-of.ts';

export const certificateSigningRequestStrategy = strategyOf<CertificateSigningRequest>({
  generation: false,
  prepareForCreate(request: CertificateSigningRequest, context) {
    const spec = request.spec;
    if (spec === undefined) return;
    delete spec.username;
    delete spec.uid;
    delete spec.groups;
    delete spec.extra;
    const user = context.user;
    if (user === undefined) return;
    spec.username = user.name;
    if (user.uid) spec.uid = user.uid;
    if (user.groups?.length) spec.groups = [...user.groups];
    if (user.extra !== undefined && Object.keys(user.extra).length > 0) {
      spec.extra = Object.fromEntries(Object.entries(user.extra).map(([key, values]) => [key, [...values]]));
    }
  },
  prepareForUpdate(request: CertificateSigningRequest, previous: CertificateSigningRequest) {
    if (previous.spec !== undefined) request.spec = previous.spec;
  },
  status: {
    keptMetadata: [],
    prepareForUpdate(request: CertificateSigningRequest, previous: CertificateSigningRequest, context) {
      request.status ??= {};
      // Approval and denial are decided elsewhere.
      const decided = (previous.status?.conditions ?? []).filter(isDecision);
      const others = (request.status.conditions ?? []).filter((condition) => !isDecision(condition));
      const conditions = [...decided, ...others];
      if (conditions.length > 0) request.status.conditions = conditions;
      else delete request.status.conditions;
      stampConditions(request, previous, context.now);
    },
  },
  subresources: {
    approval: {
      prepareForUpdate(request: CertificateSigningRequest, previous: CertificateSigningRequest, context) {
        if (previous.spec !== undefined) request.spec = previous.spec;
        const conditions = request.status?.conditions;
        request.status = { ...previous.status };
        if (conditions === undefined) delete request.status.conditions;
        else request.status.conditions = conditions;
        stampConditions(request, previous, context.now);
      },
    },
  },
});

function isDecision(condition: CertificateSigningRequestCondition): boolean {
  return condition.type === 'Approved' || condition.type === 'Denied';
}

function stampConditions(request: CertificateSigningRequest, previous: CertificateSigningRequest, now: string): void {
  for (const condition of request.status?.conditions ?? []) {
    condition.status ??= 'True';
    condition.lastUpdateTime ??= now;
    // A time that was left out is null in the decoded object.
    if ((condition.lastTransitionTime ?? undefined) !== undefined) continue;
    const before = previous.status?.conditions?.find((other) => other.type === condition.type);
    condition.lastTransitionTime =
      before?.status === condition.status && before.lastTransitionTime !== undefined ? before.lastTransitionTime : now;
  }
}

export const certificateSelectableFields = selectableFieldsOf<CertificateSigningRequest>({
  'spec.signerName': (request: CertificateSigningRequest) => request.spec?.signerName ?? '',
});
