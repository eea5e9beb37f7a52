/**
 * Static pods: pods that a kubelet runs by itself. Here stands what they and their mirrors look like; a mirror is the API's
 * picture of a static pod, made by the kubelet, so that people and schedulers see it. Pure.
 * @see kubernetes/pkg/kubelet/config/common.go and pkg/kubelet/pod/mirror_client.go
 */
import { createHash } from 'node:crypto';
import type { Node, Pod } from '../api/index.ts';
import { type BoundPod, configHashAnnotation, configMirrorAnnotation, configSourceAnnotation } from './pod.ts';

/** The pod that is run for a manifest: named after the node, with a UID made of the manifest, tolerating every NoExecute taint. */
export function staticPod(manifest: Pod, nodeName: string): BoundPod {
  const hash = createHash('sha256').update(nodeName).update(JSON.stringify(manifest)).digest('hex').slice(0, 32);
  const { metadata, spec } = manifest;
  return {
    ...manifest,
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata?.name ?? 'static'}-${nodeName}`,
      namespace: metadata?.namespace ?? 'default',
      uid: hash,
      annotations: { ...metadata?.annotations, [configHashAnnotation]: hash, [configSourceAnnotation]: 'file' },
    },
    spec: {
      ...spec,
      containers: spec?.containers ?? [],
      nodeName,
      tolerations: [...(spec?.tolerations ?? []), { effect: 'NoExecute', operator: 'Exists' }],
    },
  };
}

/** The mirror to create for a static pod. */
export function mirrorPod(pod: BoundPod, node: Node): Pod {
  const { uid: hash, ...metadata } = pod.metadata;
  const owner = {
    apiVersion: 'v1',
    kind: 'Node',
    name: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    controller: true,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [configMirrorAnnotation]: hash },
      ownerReferences: [owner],
    },
    spec: pod.spec,
  };
}

/** Whether `mirror` shows this very static pod and not an earlier manifest of the same name. */
export function isMirrorOf(mirror: Pod, pod: BoundPod): boolean {
  return mirror.metadata?.annotations?.[configMirrorAnnotation] === pod.metadata.uid;
}
