/**
 * certificatesigningrequest-signing-controller: issues what was approved, for the signers of Kubernetes' own whose requests it
 * takes, with the cluster's CA. A request that its signer does not take gets the condition Failed.
 *
 * @see kubernetes/pkg/controller/certificates/signer/signer.go
 */
import type { CertificateSigningRequest } from '../../src/api/index.ts';
import { certificateSigningRequests } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  clientSigner,
  kubeletClientSigner,
  kubeletServingSigner,
  legacySigner,
  parseCertificateRequest,
  signCertificate,
  signerRefusal,
  timeText,
} from '../../src/controller/index.ts';

const signers: ReadonlySet<string> = new Set([kubeletClientSigner, kubeletServingSigner, clientSigner, legacySigner]);
const lifetimeMaxSeconds = 365 * 24 * 3600;
const lifetimeMinSeconds = 600;

const has = (request: CertificateSigningRequest, type: string) =>
  request.status?.conditions?.some((condition) => condition.type === type) ?? false;

/** Approved, of one of our signers, and neither issued nor refused. */
const isWaiting = (request: CertificateSigningRequest) =>
  signers.has(request.spec.signerName) &&
  has(request, 'Approved') &&
  !has(request, 'Denied') &&
  !has(request, 'Failed') &&
  (request.status?.certificate ?? '') === '';

export const certificateSigningController: ControllerDefinition = {
  name: 'certificatesigningrequest-signing-controller',
  queue: 'certificate',
  serviceAccount: 'certificate-controller',
  reconciles: certificateSigningRequests,
  retry: { firstMs: 200, mostMs: 1_000_000 },
  create({ client, context, lister, settings }) {
    const requests = lister(certificateSigningRequests);
    const { clock, random, activity } = context;
    const serialNumber = () =>
      Array.from({ length: 16 }, (_, at) =>
        (random.integer(256) & (at === 0 ? 0x7f : 0xff)).toString(16).padStart(2, '0'),
      );

    async function write(request: CertificateSigningRequest, status: CertificateSigningRequest['status']) {
      await client.update(certificateSigningRequests, { ...request, status }, { subresource: 'status' });
    }

    async function refuse(request: CertificateSigningRequest, message: string): Promise<void> {
      const now = timeText(clock.now());
      const times = { lastUpdateTime: now, lastTransitionTime: now };
      const failed = { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message, ...times };
      await write(request, { ...request.status, conditions: [...(request.status?.conditions ?? []), failed] });
    }

    return {
      async reconcile(name) {
        const request = requests.get(undefined, name);
        const { signing } = settings;
        if (request === undefined || signing === undefined || !isWaiting(request)) return undefined;
        const { signerName, usages = [], expirationSeconds = lifetimeMaxSeconds } = request.spec;
        const asked = await activity.outside(parseCertificateRequest(request.spec.request));
        const refusal = signerRefusal(signerName, asked, usages);
        if (refusal !== undefined) {
          await refuse(request, refusal);
          return undefined;
        }
        const seconds = Math.min(Math.max(expirationSeconds, lifetimeMinSeconds), lifetimeMaxSeconds);
        const validity = { nowMs: clock.now(), lifetimeMs: seconds * 1000, serial: serialNumber().join('') };
        const certificate = await activity.outside(signCertificate(asked, usages, signing, validity));
        await write(request, { ...request.status, certificate });
        return undefined;
      },
    };
  },
};
