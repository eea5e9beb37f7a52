/**
 * kube-apiserver-serving-clustertrustbundle-publisher-controller: the certificate authority of the API server is in one
 * ClusterTrustBundle of the signer `kubernetes.io/kube-apiserver-serving`, named after its content; others of the signer go.
 * Without a certificate in the settings it does nothing.
 *
 * @see kubernetes/pkg/controller/certificates/clustertrustbundlepublisher/publisher.go
 */
import { createHash } from 'node:crypto';
import { isAlreadyExists, isNotFound, isStatusError } from '../../src/api/index.ts';
import { clusterTrustBundles } from '../../src/client/index.ts';
import { type ControllerDefinition, controllerMetrics, servedVersion } from '../../src/controller/index.ts';

const signerName = 'kubernetes.io/kube-apiserver-serving';
const ownBundles = { fieldSelector: `spec.signerName=${signerName}` };
/** There is one thing to do. */
const onlyKey = 'publish';
const hashBytes = 12;

const bundleNameOf = (trustBundle: string): string =>
  `${signerName.replaceAll('/', ':')}:${createHash('sha256').update(trustBundle).digest().subarray(0, hashBytes).toString('hex')}`;

export const clusterTrustBundlePublisherController: ControllerDefinition = {
  name: 'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  queue: 'ca_cert_publisher_cluster_trust_bundles',
  serviceAccount: 'kube-apiserver-serving-clustertrustbundle-publisher',
  needs: clusterTrustBundles,
  workers: 1,
  create({ client, context, enqueue, lister, observe, settings }) {
    const served = servedVersion(clusterTrustBundles, settings.runtimeConfig) ?? clusterTrustBundles;
    const metrics = controllerMetrics(context.metrics, 'clustertrustbundle_publisher_');
    const bundles = lister(served, ownBundles);
    observe(served, () => enqueue(onlyKey), ownBundles);

    async function publish(trustBundle: string): Promise<void> {
      const name = bundleNameOf(trustBundle);
      const current = bundles.get(undefined, name);
      if (current === undefined) {
        await client.create(served, { metadata: { name }, spec: { signerName, trustBundle } });
      } else if (current.spec.trustBundle !== trustBundle) {
        await client.update(served, { ...current, spec: { ...current.spec, trustBundle } });
      }
      for (const { metadata } of bundles.list()) {
        if (metadata?.name !== name) await remove(metadata?.name ?? '');
      }
    }

    async function remove(name: string): Promise<void> {
      try {
        await client.delete(served, { name });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }

    return {
      start: () => enqueue(onlyKey),
      async reconcile() {
        if (settings.rootCa === undefined) return undefined;
        const beganMs = context.clock.monotonic();
        let code = '200';
        try {
          await publish(settings.rootCa);
        } catch (error) {
          code = isStatusError(error) ? `${error.status.code}` : '500';
          // Its own bundle is not in the cache yet: the event brings it back here.
          if (!isAlreadyExists(error)) throw error;
        } finally {
          metrics.count('clustertrustbundle_publisher_sync_total', [code]);
          const seconds = (context.clock.monotonic() - beganMs) / 1000;
          metrics.observe('clustertrustbundle_publisher_sync_duration_seconds', [code], seconds);
        }
        return undefined;
      },
    };
  },
};
