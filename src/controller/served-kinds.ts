/**
 * Kinds that are off by default: whether a cluster serves one, and in which version. Controllers of such kinds run only where
 * they are served; upstream asks for a feature gate, too.
 */
import { enabledRows, type RuntimeConfig } from '../api/index.ts';
import type { KubernetesObject, Resource } from '../client/index.ts';

/** The resource in the version that it names or, where that is off, in the best of the others; undefined when none is served. */
export function servedVersion<Type extends KubernetesObject>(
  resource: Resource<Type>,
  config: RuntimeConfig | undefined,
): Resource<Type> | undefined {
  const served = enabledRows(config).filter(
    ({ group, plural }) => group === resource.group && plural === resource.resource,
  );
  const best = served.find(({ version }) => version === resource.version) ?? served[0];
  return best === undefined ? undefined : { ...resource, version: best.version };
}
