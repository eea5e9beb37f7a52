/**
 * certificatesigningrequest-approving-controller: approves the client certificates that kubelets ask for, when whoever asks is
 * allowed to ask for them (by a SubjectAccessReview).
 *
 * @see kubernetes/pkg/controller/certificates/approver/sarapprove.go
 */
import type { CertificateSigningRequest, SubjectAccessReview } from '../../src/api/index.ts';
import { certificateSigningRequests, type Resource } from '../../src/client/index.ts';
import {
  BackOff,
  type ControllerDefinition,
  kubeletClientRefusal,
  kubeletClientSigner,
  parseCertificateRequest,
  type RequestedCertificate,
  timeText,
} from '../../src/controller/index.ts';

const subjectAccessReviews: Resource<SubjectAccessReview> = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
  kind: 'SubjectAccessReview',
  namespaced: false,
};

/** Upstream's of all certificate controllers. A refusal may be lifted by a new binding, so it is asked again as failures are. */
const retry = { firstMs: 200, mostMs: 1_000_000 };

/** For whom the certificate is: the permission that it takes, and what the approval says. */
interface Recognizer {
  readonly subresource: string;
  readonly message: string;
  recognizes(request: CertificateSigningRequest, asked: RequestedCertificate): boolean;
}

const recognizers: readonly Recognizer[] = [
  {
    subresource: 'selfnodeclient',
    message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
    recognizes: (request, asked) => request.spec.username === asked.commonName,
  },
  {
    subresource: 'nodeclient',
    message: 'Auto approving kubelet client certificate after SubjectAccessReview.',
    recognizes: () => true,
  },
];

export const certificateApprovingController: ControllerDefinition = {
  name: 'certificatesigningrequest-approving-controller',
  queue: 'certificate',
  serviceAccount: 'certificate-controller',
  reconciles: certificateSigningRequests,
  retry,
  create({ client, context, lister }) {
    const requests = lister(certificateSigningRequests);
    const { clock, activity } = context;
    const refusals = new BackOff(clock, retry);

    async function isAllowed({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
      const attributes = { group: 'certificates.k8s.io', resource: 'certificatesigningrequests', verb: 'create' };
      const answer = await client.create(subjectAccessReviews, {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          ...(spec.username === undefined ? {} : { user: spec.username }),
          ...(spec.uid === undefined ? {} : { uid: spec.uid }),
          ...(spec.groups === undefined ? {} : { groups: spec.groups }),
          ...(spec.extra === undefined ? {} : { extra: spec.extra }),
          resourceAttributes: { ...attributes, version: '*', subresource },
        },
      });
      return answer.status?.allowed === true;
    }

    async function approve(request: CertificateSigningRequest, message: string): Promise<void> {
      const now = timeText(clock.now());
      const times = { lastUpdateTime: now, lastTransitionTime: now };
      const approved = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, ...times };
      const conditions = [...(request.status?.conditions ?? []), approved];
      const wanted = { ...request, status: { ...request.status, conditions } };
      await client.update(certificateSigningRequests, wanted, { subresource: 'approval' });
    }

    return {
      async reconcile(name) {
        const request = requests.get(undefined, name);
        if (request?.spec.signerName !== kubeletClientSigner || request.status?.certificate) return undefined;
        if (request.status?.conditions?.some(({ type }) => type === 'Approved' || type === 'Denied')) return undefined;
        const asked = await activity.outside(parseCertificateRequest(request.spec.request));
        if (kubeletClientRefusal(asked, request.spec.usages ?? []) !== undefined) return undefined;
        let recognized = false;
        for (const recognizer of recognizers) {
          if (!recognizer.recognizes(request, asked)) continue;
          recognized = true;
          if (!(await isAllowed(request, recognizer.subresource))) continue;
          await approve(request, recognizer.message);
          return undefined;
        }
        if (!recognized) return undefined;
        refusals.next(name);
        return { requeueAfterMs: refusals.leftMs(name), background: true };
      },
    };
  },
};
