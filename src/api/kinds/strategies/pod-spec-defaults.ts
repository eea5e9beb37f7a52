/**
 * Defaults of a pod's specification, wherever it stands: in a pod or in the template of a workload. What only a pod itself gets is in
 * pod-defaults.ts. Every function works in place and does nothing the second time.
 * @see pkg/apis/core/v1/defaults.go, pkg/apis/core/v1/zz_generated.defaults.go
 */
import type {
  Container,
  EphemeralContainer,
  HTTPGetAction,
  LifecycleHandler,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
} from '../../generated/types.ts';
import { imageTag } from './image-reference.ts';
import { roundUpResources } from './resource-list.ts';
import { defaultVolume } from './volume-defaults.ts';

/** Sets the defaults of a template's specification; a template without one is left alone. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

/** Sets the defaults of a pod specification. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  if (spec.volumes !== undefined) for (const volume of spec.volumes) defaultVolume(volume);
  if (spec.initContainers !== undefined) for (const container of spec.initContainers) defaultContainer(container);
  if (spec.containers !== undefined && spec.containers !== null)
    for (const container of spec.containers) defaultContainer(container);
  if (spec.ephemeralContainers !== undefined)
    for (const container of spec.ephemeralContainers) defaultContainer(container);
  if (spec.overhead !== undefined) roundUpResources(spec.overhead);
  if (spec.resources !== undefined) defaultResources(spec.resources);
  syncServiceAccount(spec);
}

/** The old name `serviceAccount` follows `serviceAccountName`, and stands in for it when it is the only one. */
function syncServiceAccount(spec: PodSpec): void {
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= imageTag(container.image ?? '') === 'latest' ? 'Always' : 'IfNotPresent';
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  if (container.resources === undefined) container.resources = {};
  else defaultResources(container.resources);
  if (container.ports !== undefined) for (const port of container.ports) port.protocol ||= 'TCP';
  if (container.env !== undefined) {
    for (const variable of container.env) {
      const source = variable.valueFrom;
      if (source === undefined) continue;
      if (source.fieldRef !== undefined) source.fieldRef.apiVersion ||= 'v1';
      if (source.resourceFieldRef !== undefined) source.resourceFieldRef.divisor ??= '0';
      if (source.fileKeyRef !== undefined) source.fileKeyRef.optional ??= false;
    }
  }
  if (container.livenessProbe !== undefined) defaultProbe(container.livenessProbe);
  if (container.readinessProbe !== undefined) defaultProbe(container.readinessProbe);
  if (container.startupProbe !== undefined) defaultProbe(container.startupProbe);
  if (container.lifecycle !== undefined) {
    defaultHandler(container.lifecycle.postStart);
    defaultHandler(container.lifecycle.preStop);
  }
}

function defaultResources(resources: ResourceRequirements): void {
  if (resources.limits !== undefined) roundUpResources(resources.limits);
  if (resources.requests !== undefined) roundUpResources(resources.requests);
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet !== undefined) defaultHttpGet(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function defaultHandler(handler: LifecycleHandler | undefined): void {
  if (handler?.httpGet !== undefined) defaultHttpGet(handler.httpGet);
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}
