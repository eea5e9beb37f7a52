/**
 * Webhooks, admission policies, certificate requests and what remains of storage and addresses.
 * @see pkg/apis/admissionregistration/validation, pkg/apis/certificates/validation, pkg/apis/storage/validation
 */
import { fieldPath } from '../field-errors.ts';
import type {
  CertificateSigningRequest,
  CSIStorageCapacity,
  MutatingWebhookConfiguration,
  ServiceCIDR,
  ValidatingWebhook,
  VolumeAttachment,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkRange, rangeFamily } from './addresses.ts';
import { at, type Check, collect, type Path } from './check.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkVolumeSpec } from './persistent-volumes.ts';
import { isNegativeAmount } from './resource-names.ts';
import { checkSignerName } from './volumes.ts';

const specPath = fieldPath('spec');
const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

function checkWebhooks(check: Check, webhooks: readonly ValidatingWebhook[]): void {
  const names = new Set<string>();
  webhooks.forEach((webhook, index) => {
    const path = at(fieldPath('webhooks'), index);
    const { name = '', rules, failurePolicy, matchPolicy, sideEffects, timeoutSeconds } = webhook;
    if (name === '') check.required(path, 'name');
    else {
      check.dnsSubdomain(path, 'name', name);
      if (name.split('.').length < 3)
        check.invalid(path, 'name', name, 'should be a domain with at least three segments separated by dots');
    }
    if (names.has(name)) check.duplicate(path, 'name', name);
    names.add(name);
    checkReviewVersions(check, at(path, 'admissionReviewVersions'), webhook.admissionReviewVersions ?? []);
    rules?.forEach((rule, order) => {
      checkWebhookRule(check, at(at(path, 'rules'), order), rule);
    });
    if (failurePolicy !== undefined) check.oneOf(path, 'failurePolicy', failurePolicy, ['Fail', 'Ignore']);
    if (matchPolicy !== undefined) check.oneOf(path, 'matchPolicy', matchPolicy, ['Equivalent', 'Exact']);
    if (!sideEffects) check.required(path, 'sideEffects', 'must specify one of None, NoneOnDryRun');
    else check.oneOf(path, 'sideEffects', sideEffects, ['None', 'NoneOnDryRun']);
    if (timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1))
      check.invalid(path, 'timeoutSeconds', timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
    checkLabelSelector(check, webhook.namespaceSelector, path, 'namespaceSelector');
    checkLabelSelector(check, webhook.objectSelector, path, 'objectSelector');
    checkClient(check, at(path, 'clientConfig'), webhook.clientConfig ?? {});
  });
}

function checkReviewVersions(check: Check, path: Path, versions: readonly string[]): void {
  if (versions.length === 0) {
    check.required(path, '', 'must specify one of v1, v1beta1');
    return;
  }
  versions.forEach((version, index) => {
    if (versions.indexOf(version) < index) check.duplicate(path, index, version);
    else check.dnsLabel(path, index, version);
  });
  if (!versions.includes('v1') && !versions.includes('v1beta1'))
    check.invalid(path, '', versions, 'must include at least one of v1, v1beta1');
}

function checkWebhookRule(check: Check, path: Path, rule: NonNullable<ValidatingWebhook['rules']>[number]): void {
  const wildcard = "if '*' is present, must not specify other";
  const given = rule.operations ?? [];
  if (given.length === 0) check.required(path, 'operations');
  if (given.length > 1 && given.includes('*')) check.invalid(path, 'operations', given, `${wildcard} operations`);
  given.forEach((operation, index) => {
    check.oneOf(at(path, 'operations'), index, operation, operations);
  });
  for (const [field, what] of [
    ['apiGroups', 'API groups'],
    ['apiVersions', 'API versions'],
  ] as const) {
    const values = rule[field] ?? [];
    if (values.length === 0) check.required(path, field);
    if (values.length > 1 && values.includes('*')) check.invalid(path, field, values, `${wildcard} ${what}`);
  }
  rule.apiVersions?.forEach((version, index) => {
    if (version === '') check.required(at(path, 'apiVersions'), index);
  });
  const resources = rule.resources ?? [];
  if (resources.length === 0) check.required(path, 'resources');
  resources.forEach((resource, index) => {
    if (resource === '') check.required(at(path, 'resources'), index);
    else if (resource === '*/*' && resources.length > 1)
      check.invalid(path, 'resources', resources, "if '*/*' is present, must not specify other resources");
  });
  if (rule.scope !== undefined) check.oneOf(path, 'scope', rule.scope, ['*', 'Cluster', 'Namespaced']);
}

function checkClient(check: Check, path: Path, client: Partial<NonNullable<ValidatingWebhook['clientConfig']>>): void {
  const { service, url } = client;
  if ((url === undefined) === (service === undefined)) {
    check.required(path, '', 'exactly one of url or service is required');
    return;
  }
  if (url !== undefined) {
    checkUrl(check, at(path, 'url'), url);
    return;
  }
  const here = at(path, 'service');
  check.present(here, 'name', service?.name, 'service name is required');
  check.present(here, 'namespace', service?.namespace, 'service namespace is required');
  if (service?.port !== undefined && (service.port < 1 || service.port > 65_535))
    check.invalid(here, 'port', service.port, 'port is not valid: must be between 1 and 65535, inclusive');
  if (service?.path !== undefined && !service.path.startsWith('/'))
    check.invalid(here, 'path', service.path, "must start with a '/'");
}

function checkUrl(check: Check, path: Path, text: string): void {
  const form = '; desired format: https://host[/path]';
  if (!URL.canParse(text)) {
    check.required(path, '', `url must be a valid URL: ${text}${form}`);
    return;
  }
  const url = new URL(text);
  if (url.protocol !== 'https:')
    check.invalid(path, '', url.protocol.slice(0, -1), `'https' is the only allowed URL scheme${form}`);
  if (url.host === '') check.invalid(path, '', url.host, `host must be specified${form}`);
  if (url.username !== '') check.invalid(path, '', url.username, 'user information is not permitted in the URL');
  if (url.hash !== '') check.invalid(path, '', url.hash.slice(1), 'fragments are not permitted in the URL');
  if (url.search !== '') check.invalid(path, '', url.search.slice(1), 'query parameters are not permitted in the URL');
}

function validateWebhooks(configuration: MutatingWebhookConfiguration) {
  return collect((check) => {
    checkWebhooks(check, configuration.webhooks ?? []);
    configuration.webhooks?.forEach(({ reinvocationPolicy }, index) => {
      if (reinvocationPolicy !== undefined)
        check.oneOf(at(fieldPath('webhooks'), index), 'reinvocationPolicy', reinvocationPolicy, ['IfNeeded', 'Never']);
    });
  });
}

/** Of both kinds of webhook configurations. */
export const webhookConfigurationValidation = strategyOf<MutatingWebhookConfiguration>({
  validate: validateWebhooks,
  validateUpdate: validateWebhooks,
});

const secondsMin = 600;

export const certificateSigningRequestValidation = strategyOf<CertificateSigningRequest>({
  // Any name that can stand in a path: the rule of this kind asks for nothing.
  validateName: () => [],
  validate: (request: CertificateSigningRequest) =>
    collect((check) => {
      const { request: encoded = '', usages = [], signerName, expirationSeconds } = request.spec ?? {};
      const pem = Buffer.from(encoded, 'base64').toString();
      if (!/-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----/.test(pem))
        check.invalid(specPath, 'request', encoded, 'PEM block type must be CERTIFICATE REQUEST');
      if (usages.length === 0) check.required(specPath, 'usages');
      usages.forEach((usage, index) => {
        if (usages.indexOf(usage) < index) check.duplicate(at(specPath, 'usages'), index, usage);
      });
      checkSignerName(check, specPath, signerName ?? '');
      if (expirationSeconds !== undefined && expirationSeconds < secondsMin)
        check.invalid(
          specPath,
          'expirationSeconds',
          expirationSeconds,
          `may not specify a duration less than ${secondsMin} seconds (10 minutes)`,
        );
    }),
});

export const serviceCidrValidation = strategyOf<ServiceCIDR>({
  validate: (range: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs ?? [];
      const path = at(specPath, 'cidrs');
      if (ranges.length === 0) {
        check.required(path, '', 'at least one CIDR required');
        return;
      }
      if (ranges.length > 2) {
        check.invalid(specPath, '', ranges, 'may only hold up to 2 values');
        return;
      }
      if (ranges.length === 2 && new Set(ranges.map(rangeFamily)).size < 2)
        check.invalid(
          specPath,
          '',
          ranges,
          'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
        );
      ranges.forEach((text, index) => {
        checkRange(check, path, index, text);
      });
    }),
  validateUpdate: (range: ServiceCIDR, previous: ServiceCIDR) =>
    collect((check) => {
      const ranges = range.spec?.cidrs;
      check.unchanged(specPath, 'cidrs', ranges, semanticEqual(ranges, previous.spec?.cidrs));
    }),
});

function checkAttachment(check: Check, attachment: VolumeAttachment): void {
  const { attacher = '', nodeName, source = {} } = attachment.spec ?? {};
  if (attacher === '') check.required(specPath, 'attacher');
  else if (attacher.length > 63) check.tooLong(specPath, 'attacher', 63);
  const { persistentVolumeName: name, inlineVolumeSpec: inline } = source;
  const path = at(specPath, 'source');
  if (!inline && name === undefined)
    check.required(path, '', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
  if (inline && name !== undefined)
    check.forbidden(path, '', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
  if (name === '') check.required(path, 'persistentVolumeName', 'must specify non empty persistentVolumeName');
  else if (name !== undefined && !inline) check.dnsSubdomain(path, 'persistentVolumeName', name);
  if (inline && name === undefined) checkVolumeSpec(check, at(path, 'inlineVolumeSpec'), inline, '', true);
  check.dnsSubdomain(specPath, 'nodeName', nodeName ?? '');
}

export const volumeAttachmentValidation = strategyOf<VolumeAttachment>({
  validate: (attachment: VolumeAttachment) => collect((check) => checkAttachment(check, attachment)),
  validateUpdate: (attachment: VolumeAttachment, previous: VolumeAttachment) =>
    collect((check) => {
      checkAttachment(check, attachment);
      if (!semanticEqual(attachment.spec, previous.spec))
        check.invalid(undefined, 'spec', attachment.spec, 'field is immutable');
    }),
});

function checkCapacity(check: Check, capacity: CSIStorageCapacity): void {
  check.dnsSubdomain(undefined, 'storageClassName', capacity.storageClassName ?? '');
  for (const field of ['capacity', 'maximumVolumeSize'] as const) {
    const amount = capacity[field];
    if (amount !== undefined && isNegativeAmount(amount))
      check.invalid(undefined, field, amount, 'must be greater than or equal to 0');
  }
  checkLabelSelector(check, capacity.nodeTopology, undefined, 'nodeTopology');
}

export const csiStorageCapacityValidation = strategyOf<CSIStorageCapacity>({
  validate: (capacity: CSIStorageCapacity) => collect((check) => checkCapacity(check, capacity)),
  validateUpdate: (capacity: CSIStorageCapacity, previous: CSIStorageCapacity) =>
    collect((check) => {
      checkCapacity(check, capacity);
      for (const field of ['nodeTopology', 'storageClassName'] as const)
        check.unchanged(undefined, field, capacity[field], semanticEqual(capacity[field], previous[field]));
    }),
});
