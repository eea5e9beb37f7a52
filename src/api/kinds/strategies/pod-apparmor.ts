/**
 * AppArmor profiles have a field and, for clients from before it, an annotation a container. On create each is made to follow the other.
 * @see KEP-24, pkg/registry/core/pod/strategy.go applyAppArmorVersionSkew
 */
import type { AppArmorProfile, Container, EphemeralContainer, Pod } from '../../generated/types.ts';

const prefix = 'container.apparmor.security.beta.kubernetes.io/';
const localhost = 'localhost/';

/** Fills in the missing side, in place. Pods for Windows are left alone. */
export function syncAppArmor(pod: Pod, warn?: (text: string) => void): void {
  const spec = pod.spec;
  if (spec === undefined || spec.os?.name === 'windows') return;
  const podProfile = spec.securityContext?.appArmorProfile;
  if (podProfile === undefined && !hasProfiles(pod)) return;
  for (const containers of [spec.initContainers, spec.containers, spec.ephemeralContainers]) {
    for (const container of containers ?? []) syncContainer(pod, container, podProfile, warn);
  }
}

function hasProfiles(pod: Pod): boolean {
  for (const key in pod.metadata?.annotations) if (key.startsWith(prefix)) return true;
  for (const containers of [pod.spec?.containers, pod.spec?.initContainers]) {
    for (const container of containers ?? []) if (container.securityContext?.appArmorProfile !== undefined) return true;
  }
  return false;
}

function syncContainer(
  pod: Pod,
  container: Container | EphemeralContainer,
  podProfile: AppArmorProfile | undefined,
  warn: ((text: string) => void) | undefined,
): void {
  const key = prefix + container.name;
  const annotation = pod.metadata?.annotations?.[key];
  const field = container.securityContext?.appArmorProfile;
  if (annotation === undefined) {
    const text = annotationOf(field ?? podProfile);
    if (text === undefined) return;
    pod.metadata ??= {};
    pod.metadata.annotations ??= {};
    pod.metadata.annotations[key] = text;
  } else if (field === undefined) {
    const profile = profileOf(annotation);
    const text = `metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`;
    if (profile === undefined) {
      warn?.(text);
      return;
    }
    if (
      podProfile !== undefined &&
      podProfile.type === profile.type &&
      podProfile.localhostProfile === profile.localhostProfile
    )
      return;
    warn?.(text);
    container.securityContext ??= {};
    container.securityContext.appArmorProfile = profile;
  }
}

function annotationOf(profile: AppArmorProfile | undefined): string | undefined {
  switch (profile?.type) {
    case 'Unconfined':
      return 'unconfined';
    case 'RuntimeDefault':
      return 'runtime/default';
    case 'Localhost':
      return profile.localhostProfile === undefined ? undefined : localhost + profile.localhostProfile;
    default:
      return undefined;
  }
}

function profileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (annotation.startsWith(localhost) && annotation !== localhost) {
    return { type: 'Localhost', localhostProfile: annotation.slice(localhost.length) };
  }
  return undefined;
}
