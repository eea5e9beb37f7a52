/**
 * certificatesigningrequest-cleaner-controller: deletes signing requests that nobody waits for any more: denied, failed or issued
 * an hour ago, left without a decision for a day, or with a certificate that has expired.
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

/** When the request may go, in milliseconds since the epoch; infinity for one that is approved and waits for its signer. */
function expiryOf({ metadata, status }: CertificateSigningRequest): number {
  const { certificate = '', conditions = [] } = status ?? {};
  if (conditions.length === 0) return timeMs(metadata?.creationTimestamp) + 24 * hourMs;
  const expiriesMs = conditions.flatMap(({ type, lastUpdateTime }) => {
    if (type !== 'Denied' && type !== 'Failed' && !(type === 'Approved' && certificate !== '')) return [];
    const updatedMs = timeMs(lastUpdateTime);
    const agedMs = updatedMs === 0 ? [] : [updatedMs + hourMs];
    return type === 'Approved' ? [...agedMs, endOf(certificate)] : agedMs;
  });
  return Math.min(...expiriesMs);
}

/** When a certificate expires; never, for what is none. */
function endOf(certificate: string): number {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
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
        if (leftMs === Number.POSITIVE_INFINITY) return undefined;
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
