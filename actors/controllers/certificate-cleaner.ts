/**
 * certificatesigningrequest-cleaner-controller: deletes signing requests that nobody waits for any more: decided or issued an
 * hour ago, left without a decision for a day, or with a certificate that has expired.
 *
 * @see kubernetes/pkg/controller/certificates/cleaner/cleaner.go
 */
import { X509Certificate } from 'node:crypto';
import { type CertificateSigningRequest, isNotFound } from '../../src/api/index.ts';
import { certificateSigningRequests } from '../../src/client/index.ts';
import { type ControllerDefinition, timeMs } from '../../src/controller/index.ts';

const hourMs = 3_600_000;
/** Requests are looked at this often. */
const pollMs = hourMs;

/** When the request may go, in milliseconds since the epoch. */
function expiryOf({ metadata, status }: CertificateSigningRequest): number {
  const createdMs = timeMs(metadata?.creationTimestamp);
  const decided = (status?.conditions ?? []).map(({ lastUpdateTime }) => timeMs(lastUpdateTime) || createdMs);
  let expiryMs = decided.length === 0 ? createdMs + 24 * hourMs : Math.min(...decided) + hourMs;
  if (status?.certificate !== undefined && status.certificate !== '') {
    const end = Date.parse(new X509Certificate(Buffer.from(status.certificate, 'base64')).validTo);
    expiryMs = Math.min(expiryMs, end);
  }
  return expiryMs;
}

export const certificateCleanerController: ControllerDefinition = {
  name: 'certificatesigningrequest-cleaner-controller',
  serviceAccount: 'certificate-controller',
  reconciles: certificateSigningRequests,
  create({ client, context, lister }) {
    const requests = lister(certificateSigningRequests);
    return {
      async reconcile(name) {
        const request = requests.get(undefined, name);
        if (request === undefined) return undefined;
        const leftMs = expiryOf(request) - context.clock.now();
        if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, pollMs), background: true };
        try {
          await client.delete(certificateSigningRequests, { name });
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
        return undefined;
      },
    };
  },
};
