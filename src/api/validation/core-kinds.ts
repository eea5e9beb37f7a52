/**
 * The smaller kinds of the core group: namespaces, service accounts, endpoints, templates and replication controllers.
 * @see pkg/apis/core/validation
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { Endpoints, Namespace, PodTemplate, ReplicationController, ServiceAccount } from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkAddress, checkNonSpecialAddress } from './addresses.ts';
import { at, Check, collect } from './check.ts';
import { checkStandardFinalizer, checkStandardFinalizers, nameIsDnsLabel } from './metadata.ts';
import { checkPodTemplate } from './pod-spec.ts';
import { checkReplicaStatus, replicaStatusOf } from './replica-status.ts';

const specPath = fieldPath('spec');

function finalizersOf(namespace: Namespace): readonly string[] {
  return namespace.spec?.finalizers ?? [];
}

function checkNamespace(check: Check, namespace: Namespace): void {
  checkStandardFinalizers(check, namespace.metadata);
  for (const name of finalizersOf(namespace)) {
    check.qualifiedName(specPath, 'finalizers', name);
    checkStandardFinalizer(check, name, specPath, 'finalizers');
  }
}

export const namespaceValidation = strategyOf<Namespace>({
  validateName: nameIsDnsLabel,
  validate: (namespace: Namespace) => collect((check) => checkNamespace(check, namespace)),
  // Upstream looks at a changed namespace as at a new one first.
  validateUpdate: (namespace: Namespace) =>
    collect((check) => {
      checkNamespace(check, namespace);
      checkStandardFinalizers(check, namespace.metadata);
    }),
  metadataOnUpdate: ['whole', 'changes'],
  status: {
    validateUpdate: (namespace: Namespace) =>
      collect((check) => {
        const phase = namespace.status?.phase ?? '';
        const deleted = namespace.metadata?.deletionTimestamp !== undefined;
        if (phase === (deleted ? 'Terminating' : 'Active')) return;
        const text = deleted
          ? "may only be 'Terminating' if `deletionTimestamp` is not empty"
          : "may only be 'Active' if `deletionTimestamp` is empty";
        check.invalid(fieldPath('status'), 'Phase', phase, text);
      }),
  },
  subresources: {
    finalize: {
      validateUpdate: (namespace: Namespace) =>
        collect((check) => {
          finalizersOf(namespace).forEach((name, index) => {
            check.qualifiedName(at(specPath, 'finalizers'), index, name);
            checkStandardFinalizer(check, name, at(specPath, 'finalizers'), index);
          });
        }),
    },
  },
});

const standardFinalizersOnly = (object: ServiceAccount): FieldError[] =>
  collect((check) => checkStandardFinalizers(check, object.metadata));

export const serviceAccountValidation = strategyOf<ServiceAccount>({
  validate: standardFinalizersOnly,
  validateUpdate: standardFinalizersOnly,
  metadataOnUpdate: ['changes', 'whole'],
});

const protocols = ['SCTP', 'TCP', 'UDP'];

function validateEndpoints(endpoints: Endpoints): FieldError[] {
  const check = new Check();
  checkStandardFinalizers(check, endpoints.metadata);
  const { name, namespace } = endpoints.metadata ?? {};
  // This cluster's server may listen on loopback only, and says so in its own endpoints.
  const isOwnServer = namespace === 'default' && name === 'kubernetes';
  endpoints.subsets?.forEach((subset, index) => {
    const path = at(fieldPath('subsets'), index);
    if (!subset.addresses?.length && !subset.notReadyAddresses?.length)
      check.required(path, '', 'must specify `addresses` or `notReadyAddresses`');
    for (const field of ['addresses', 'notReadyAddresses'] as const) {
      subset[field]?.forEach((address, order) => {
        const place = at(at(path, field), order);
        checkAddress(check, place, 'ip', address.ip ?? '');
        if (address.hostname) check.dnsLabel(place, 'hostname', address.hostname);
        if (address.nodeName !== undefined) check.dnsSubdomain(place, 'nodeName', address.nodeName);
        if (!isOwnServer) checkNonSpecialAddress(check, place, 'ip', address.ip ?? '');
      });
    }
    const ports = subset.ports ?? [];
    ports.forEach((port, order) => {
      const place = at(at(path, 'ports'), order);
      if (port.name) check.dnsLabel(place, 'name', port.name);
      else if (ports.length > 1) check.required(place, 'name');
      check.portNumber(place, 'port', port.port);
      check.requiredOneOf(place, 'protocol', port.protocol, protocols);
      if (port.appProtocol !== undefined) check.qualifiedName(place, 'appProtocol', port.appProtocol);
    });
  });
  return check.errors;
}

export const endpointsValidation = strategyOf<Endpoints>({
  validate: validateEndpoints,
  // What was stored under older rules may stay.
  validateUpdate: (endpoints: Endpoints, previous: Endpoints) =>
    semanticEqual(endpoints.subsets, previous.subsets) ? [] : validateEndpoints(endpoints),
  metadataOnUpdate: ['changes', 'whole'],
});

function validatePodTemplate(object: PodTemplate): FieldError[] {
  const check = new Check();
  checkStandardFinalizers(check, object.metadata);
  checkPodTemplate(check, fieldPath('template'), object.template);
  return check.errors;
}

export const podTemplateValidation = strategyOf<PodTemplate>({
  validate: validatePodTemplate,
  validateUpdate: validatePodTemplate,
});

function validateReplicationController(controller: ReplicationController): FieldError[] {
  const check = new Check();
  checkStandardFinalizers(check, controller.metadata);
  const { minReadySeconds, replicas, selector = {}, template } = controller.spec ?? {};
  check.nonNegative(specPath, 'minReadySeconds', minReadySeconds);
  const keys = Object.keys(selector);
  if (keys.length === 0) check.required(specPath, 'selector');
  check.nonNegative(specPath, 'replicas', replicas);
  if (template === undefined) {
    check.required(specPath, 'template');
    return check.errors;
  }
  const labels = template.metadata?.labels;
  if (keys.some((key) => labels?.[key] !== selector[key]))
    check.invalid(
      fieldPath('spec', 'template', 'metadata'),
      'labels',
      labels ?? null,
      '`selector` does not match template `labels`',
    );
  checkPodTemplate(check, at(specPath, 'template'), template);
  const path = fieldPath('spec', 'template', 'spec');
  check.oneOf(path, 'restartPolicy', template.spec?.restartPolicy, ['Always']);
  if (template.spec?.activeDeadlineSeconds !== undefined)
    check.forbidden(path, 'activeDeadlineSeconds', 'activeDeadlineSeconds in ReplicationController is not Supported');
  return check.errors;
}

export const replicationControllerValidation = strategyOf<ReplicationController>({
  validate: validateReplicationController,
  // Upstream looks at a changed controller as at a new one first, and tells of both.
  validateUpdate: (controller: ReplicationController) => {
    const errors = validateReplicationController(controller);
    return [...errors, ...errors];
  },
  metadataOnUpdate: ['whole', 'changes'],
  status: {
    validateUpdate: (controller: ReplicationController) =>
      collect((check) => checkReplicaStatus(check, replicaStatusOf(controller.status))),
  },
});
