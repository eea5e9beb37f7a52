/**
 * Fields of pods whose features are off in 1.36: stop signals, and projections of trust bundles and pod certificates. They go where they
 * are new and stay where they are stored. Strategies of pods and of everything with a template of pods call this.
 * @see pkg/api/pod/util.go DropDisabledPodFields
 */
import type { Container, EphemeralContainer, PodSpec, PodTemplateSpec } from '../../generated/types.ts';

/** Lists and objects of clients may be null here. */
type Spec = PodSpec | null | undefined;

const lists = ['containers', 'initContainers', 'ephemeralContainers'] as const;
const projections = ['clusterTrustBundle', 'podCertificate'] as const;

/** Drops them of `spec`, in place, unless `previous` uses them already. */
export function dropPodFields(spec: Spec, previous: Spec): void {
  if (!spec) return;
  if (someContainer(spec, hasStopSignal) && !someContainer(previous, hasStopSignal))
    someContainer(spec, dropStopSignal);
  if (!spec.volumes) return;
  for (const field of projections) if (!hasProjection(previous, field)) dropProjection(spec, field);
}

/** Hooks of a kind with a template. */
export function templateHooks<Type extends { spec?: { template?: PodTemplateSpec | undefined } | undefined }>() {
  return {
    prepareForCreate: (object: Type): void => dropPodFields(object.spec?.template?.spec, undefined),
    prepareForUpdate: (object: Type, previous: Type): void =>
      dropPodFields(object.spec?.template?.spec, previous.spec?.template?.spec),
  };
}

/** True as soon as `is` is true of one. */
function someContainer(spec: Spec, is: (container: Container | EphemeralContainer) => boolean): boolean {
  for (const list of lists) {
    const containers = spec?.[list];
    if (containers) for (const container of containers) if (is(container)) return true;
  }
  return false;
}

const hasStopSignal = ({ lifecycle }: Container | EphemeralContainer): boolean => lifecycle?.stopSignal !== undefined;

/** @returns false, to go on with the next. */
function dropStopSignal(container: Container | EphemeralContainer): boolean {
  if (container.lifecycle?.stopSignal === undefined) return false;
  const { stopSignal: _, ...rest } = container.lifecycle;
  if (Object.keys(rest).length > 0) container.lifecycle = rest;
  else delete container.lifecycle;
  return false;
}

function hasProjection(spec: Spec, field: (typeof projections)[number]): boolean {
  return spec?.volumes?.some(({ projected }) => projected?.sources?.some((source) => source[field])) === true;
}

function dropProjection(spec: PodSpec, field: (typeof projections)[number]): void {
  for (const { projected } of spec.volumes ?? []) for (const source of projected?.sources ?? []) delete source[field];
}
