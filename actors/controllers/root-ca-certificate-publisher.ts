/**
 * root-ca-certificate-publisher-controller: every namespace has a ConfigMap `kube-root-ca.crt` with the certificate
 * authority of the API server, for pods to trust. Without a certificate in the settings it does nothing.
 *
 * @see kubernetes/pkg/controller/certificates/rootcacertpublisher
 */
import { isNotFound, isStatusError } from '../../src/api/index.ts';
import { configMaps, namespaces } from '../../src/client/index.ts';
import {
  type ControllerDefinition,
  controllerMetrics,
  isNamespaceTerminating,
  semanticallyEqual,
} from '../../src/controller/index.ts';

const mapName = 'kube-root-ca.crt';
const descriptionAnnotation = 'kubernetes.io/description';
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.';

export const rootCaCertificatePublisherController: ControllerDefinition = {
  name: 'root-ca-certificate-publisher-controller',
  queue: 'root_ca_cert_publisher',
  serviceAccount: 'root-ca-cert-publisher',
  reconciles: namespaces,
  create(dependencies) {
    const { client, context, settings } = dependencies;
    const metrics = controllerMetrics(context.metrics, 'root_ca_cert_publisher_');
    const namespaceLister = dependencies.lister(namespaces);
    const mapLister = dependencies.lister(configMaps);
    dependencies.observe(configMaps, ({ object }) => {
      const { name, namespace } = object.metadata ?? {};
      if (name === mapName && namespace !== undefined) dependencies.enqueue(namespace);
    });
    return {
      async reconcile(key) {
        const namespace = namespaceLister.get(undefined, key);
        if (settings.rootCa === undefined || namespace === undefined) return undefined;
        if (namespace.status?.phase === 'Terminating') return undefined;
        const beganMs = context.clock.monotonic();
        const measure = (code: string) => {
          metrics.count('root_ca_cert_publisher_sync_total', [code]);
          const seconds = (context.clock.monotonic() - beganMs) / 1000;
          metrics.observe('root_ca_cert_publisher_sync_duration_seconds', [code], seconds);
        };
        const data = { 'ca.crt': settings.rootCa };
        const annotations = { [descriptionAnnotation]: description };
        const current = mapLister.get(key, mapName);
        try {
          if (current === undefined) {
            await client.create(configMaps, {
              apiVersion: 'v1',
              kind: 'ConfigMap',
              metadata: { name: mapName, namespace: key, annotations },
              data,
            });
          } else if (
            !semanticallyEqual(current.data, data) ||
            (current.metadata?.annotations?.[descriptionAnnotation] ?? '') === ''
          ) {
            const metadata = { ...current.metadata, annotations: { ...current.metadata?.annotations, ...annotations } };
            await client.update(configMaps, { ...current, metadata, data });
          }
          measure('200');
        } catch (error) {
          const isOver = current === undefined && (isNotFound(error) || isNamespaceTerminating(error));
          measure(isOver ? '200' : isStatusError(error) ? `${error.status.code}` : '500');
          if (!isOver) throw error;
        }
        return undefined;
      },
    };
  },
};
