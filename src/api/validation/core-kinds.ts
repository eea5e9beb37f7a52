/**
 * The smaller kinds of the core group: namespaces, service accounts, endpoints, events, templates and replication controllers.
 * @see pkg/apis/core/validation
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type {
  Endpoints,
  Namespace,
  ObjectReference,
  PodTemplate,
  ReplicationController,
  ServiceAccount,
} from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkAddress, checkNonSpecialAddress } from './addresses.ts';
import { at, Check, collect, type Path } from './check.ts';
import { checkStandardFinalizer, checkStandardFinalizers, nameIsDnsLabel } from './metadata.ts';
import { checkPodTemplate } from './pod-spec.ts';
import { checkReplicaStatus, replicaStatusOf } from './replica-status.ts';

const specPath = fieldPath('spec');

function finalizersOf(namespace: Namespace): readonly string[] {
  return namespace.spec?.finalizers ?? [];
}

export const namespaceValidation = strategyOf<Namespace>({
  validateName: nameIsDnsLabel,
  validate: (namespace: Namespace) =>
    collect((check) => {
      checkStandardFinalizers(check, namespace.metadata);
      for (const name of finalizersOf(namespace)) {
        check.qualifiedName(specPath, 'finalizers', name);
        checkStandardFinalizer(check, name, specPath, 'finalizers');
      }
    }),
  validateUpdate: (namespace: Namespace) => collect((check) => checkStandardFinalizers(check, namespace.metadata)),
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
  validateUpdate: validateEndpoints,
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
  validateUpdate: validateReplicationController,
  status: {
    validateUpdate: (controller: ReplicationController) =>
      collect((check) => checkReplicaStatus(check, replicaStatusOf(controller.status))),
  },
});

/** An event as both of its groups show it: the stored form is the core group's. */
interface AnyEvent {
  readonly metadata?: { readonly namespace?: string };
  readonly involvedObject?: ObjectReference;
  readonly regarding?: ObjectReference;
  readonly eventTime?: string | null;
  readonly type?: string;
  readonly action?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly message?: string;
  readonly reportingController?: string;
  readonly reportingComponent?: string;
  readonly reportingInstance?: string;
}

/** @see pkg/apis/core/validation/events.go legacyValidateEvent, validateV1EventSeries */
function validateEvent(event: AnyEvent): FieldError[] {
  const check = new Check();
  const namespace = event.metadata?.namespace ?? '';
  const involved = event.involvedObject ?? event.regarding ?? {};
  const path: Path = fieldPath('involvedObject');
  const involvedNamespace = involved.namespace ?? '';
  if (event.eventTime) {
    const controller = event.reportingController ?? event.reportingComponent ?? '';
    if (controller === '') check.required(undefined, 'reportingController');
    else check.qualifiedName(undefined, 'reportingController', controller);
    check.present(undefined, 'reportingInstance', event.reportingInstance);
    if ((event.reportingInstance?.length ?? 0) > 128) check.tooLong(undefined, 'reportingInstance', 128);
    check.present(undefined, 'action', event.action);
    if ((event.action?.length ?? 0) > 128) check.tooLong(undefined, 'action', 128);
    check.present(undefined, 'reason', event.reason);
    if ((event.reason?.length ?? 0) > 128) check.tooLong(undefined, 'reason', 128);
    const text = event.message ?? event.note ?? '';
    if (text.length > 1024) check.tooLong(undefined, 'message', 1024);
  }
  if (involvedNamespace === '') {
    // Events of objects without a namespace live in the default one or the system's.
    if (namespace !== '' && namespace !== 'default' && namespace !== 'kube-system')
      check.invalid(path, 'namespace', involvedNamespace, 'does not match event.namespace');
  } else if (namespace !== involvedNamespace)
    check.invalid(path, 'namespace', involvedNamespace, 'does not match event.namespace');
  return check.errors;
}

export const eventValidation = strategyOf<AnyEvent>({ validate: validateEvent, validateUpdate: validateEvent });
