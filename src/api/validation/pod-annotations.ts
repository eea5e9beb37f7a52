/**
 * Annotations of pods that mean something to the control plane, and that they say the same as the fields that replaced them.
 * @see ValidatePodSpecificAnnotations
 */
import type { PodSpec } from '../generated/types.ts';
import { quote } from '../go-text.ts';
import { at, type Check, keyed, type Path } from './check.ts';
import { checkDescendingPath } from './file-paths.ts';
import { visitContainers } from './security-context.ts';

export const mirrorAnnotation = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod';
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/';
export const appArmorContainer = 'container.apparmor.security.beta.kubernetes.io/';

type Annotations = Readonly<Record<string, string>>;

export function checkPodAnnotations(check: Check, path: Path, annotations: Annotations, spec: PodSpec): void {
  const mirror = annotations[mirrorAnnotation];
  if (mirror !== undefined && !spec.nodeName)
    check.invalid(keyed(path, mirrorAnnotation), '', mirror, 'must set spec.nodeName if mirror pod annotation is set');
  const cost = annotations[deletionCost];
  if (cost !== undefined && !isDeletionCost(cost))
    check.invalid(keyed(path, deletionCost), '', cost, 'must be a 32bit integer');
  if (annotations[seccompPod] !== undefined) checkSeccompName(check, path, seccompPod, annotations[seccompPod]);
  for (const key in annotations)
    if (key.startsWith(seccompContainer)) checkSeccompName(check, path, key, annotations[key] as string);
  for (const key in annotations)
    if (key.startsWith(appArmorContainer))
      checkAppArmorName(check, keyed(path, key), key, annotations[key] as string, spec);
}

function isDeletionCost(text: string): boolean {
  return /^(0|[1-9]\d*|-\d+)$/.test(text) && Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

function checkSeccompName(check: Check, path: Path, key: string, profile: string): void {
  if (profile === 'runtime/default' || profile === 'docker/default' || profile === 'unconfined') return;
  if (profile.startsWith('localhost/')) checkDescendingPath(check, path, key, profile.slice('localhost/'.length));
  else check.invalid(path, key, profile, 'must be a valid seccomp profile');
}

function checkAppArmorName(check: Check, path: Path, key: string, profile: string, spec: PodSpec): void {
  const name = key.slice(appArmorContainer.length);
  let found = false;
  visitContainers(spec, (container) => {
    found ||= container.name === name;
  });
  if (!found) check.invalid(path, '', name, 'container not found');
  if (profile === '' || profile === 'runtime/default' || profile === 'unconfined') return;
  if (!profile.startsWith('localhost/'))
    check.invalid(path, '', profile, `invalid AppArmor profile name: ${quote(profile)}`);
}

interface Profile {
  readonly type: string;
  readonly localhostProfile?: string | undefined;
}

function checkSame(
  check: Check,
  path: Path,
  what: string,
  profile: Profile,
  text: string,
  defaults: readonly string[],
): void {
  const sameType =
    profile.type === 'Unconfined'
      ? text === 'unconfined'
      : profile.type === 'RuntimeDefault'
        ? defaults.includes(text)
        : profile.type !== 'Localhost' || text.startsWith('localhost/');
  if (!sameType) check.forbidden(path, 'type', `${what} type in annotation and field must match`);
  else if (profile.type === 'Localhost' && text.slice('localhost/'.length) !== profile.localhostProfile)
    check.forbidden(path, 'localhostProfile', `${what} profile in annotation and field must match`);
}

/** Annotations and fields that say which profiles confine the containers agree. */
export function checkProfilesMatch(
  check: Check,
  path: Path,
  annotations: Annotations | undefined,
  spec: PodSpec,
): void {
  if (annotations === undefined) return;
  const pod = spec.securityContext;
  const text = annotations[seccompPod];
  const seccompNames = ['runtime/default', 'docker/default'];
  if (pod?.seccompProfile && text !== undefined)
    checkSame(
      check,
      at(at(path, 'securityContext'), 'seccompProfile'),
      'seccomp',
      pod.seccompProfile,
      text,
      seccompNames,
    );
  visitContainers(spec, ({ name, securityContext }, list, index) => {
    const annotation = annotations[seccompContainer + name];
    if (!securityContext?.seccompProfile || annotation === undefined) return;
    const place = at(at(at(at(path, list), index), 'securityContext'), 'seccompProfile');
    checkSame(check, place, 'seccomp', securityContext.seccompProfile, annotation, seccompNames);
  });
  if (spec.os?.name === 'windows') return;
  visitContainers(spec, ({ name, securityContext }, list, index) => {
    const profile = securityContext?.appArmorProfile ?? pod?.appArmorProfile;
    const annotation = annotations[appArmorContainer + name];
    if (!profile || annotation === undefined) return;
    const place = at(at(at(at(path, list), index), 'securityContext'), 'appArmorProfile');
    checkSame(check, place, 'apparmor', profile, annotation, ['runtime/default']);
  });
}
