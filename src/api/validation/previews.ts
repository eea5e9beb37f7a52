/**
 * The kinds that have no stable version: trust bundles, certificate requests of pods, candidates for leases, taints of devices, groups
 * of pods, and storage versions.
 * @see pkg/apis/{certificates,coordination,resource,scheduling,storagemigration,apiserverinternal}/validation
 */
import { X509Certificate } from 'node:crypto';
import { fieldPath, omittedValue, PlainValue } from '../field-errors.ts';
import type {
  CertificatesV1beta1ClusterTrustBundle,
  CoordinationV1beta1LeaseCandidate,
  PodCertificateRequest,
  PodGroup,
  PodGroupResourceClaim,
  PodGroupSchedulingPolicy,
  PodGroupTemplate,
  ResourcePoolStatusRequest,
  ResourceV1beta2DeviceTaintRule,
  StorageVersionMigration,
  Workload,
} from '../generated/types.ts';
import { quote } from '../go-text.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDnsSubdomain, validatePathSegmentName } from '../names.ts';
import { at, type Check, collect, type Path } from './check.ts';
import { checkSignerName } from './volumes.ts';

const specPath = fieldPath('spec');
const BUNDLE_BYTES_MAX = 1024 * 1024;

type Bundle = CertificatesV1beta1ClusterTrustBundle;

/** A bundle of a signer is named after it, with colons for slashes; one of nobody has no colon. */
function checkBundleName(check: Check, { metadata, spec }: Bundle): void {
  const path = fieldPath('metadata');
  const name = metadata?.name ?? '';
  const signer = spec?.signerName ?? '';
  const prefix = signer === '' ? '' : `${signer.replaceAll('/', ':')}:`;
  if (signer === '' && name.includes(':'))
    check.invalid(path, 'name', name, 'ClusterTrustBundle without signer name must not have ":" in its name');
  else if (!name.startsWith(prefix))
    check.invalid(
      path,
      'name',
      name,
      `ClusterTrustBundle for signerName ${signer} must be named with prefix ${prefix}`,
    );
  else check.all(path, 'name', name, validateDnsSubdomain(name.slice(prefix.length)));
}

const blockPattern = /-----BEGIN ([^-\r\n]*)-----\r?\n([\s\S]*?)-----END \1-----/g;
const hidden = new PlainValue('"<value omitted>"');

function checkTrustBundle(check: Check, pem: string): void {
  const say = (detail: string) => check.invalid(specPath, 'trustBundle', hidden, detail);
  if (pem.length > BUNDLE_BYTES_MAX) {
    check.tooLong(specPath, 'trustBundle', BUNDLE_BYTES_MAX);
    return;
  }
  const seen = new Map<string, number>();
  let entry = -1;
  for (const [block, type = '', body = ''] of pem.matchAll(blockPattern)) {
    entry++;
    if (type !== 'CERTIFICATE') say(`entry ${entry} has bad block type: ${type}`);
    else if (body.includes(':')) say(`entry ${entry} has PEM block headers`);
    else {
      const certificate = parsed(block);
      if (certificate === undefined) say(`entry ${entry} does not parse as X.509`);
      else {
        if (!certificate.ca) say(`entry ${entry} does not have the CA bit set`);
        const first = seen.get(certificate.fingerprint256);
        if (first !== undefined) say(`duplicate trust anchor (indices ${first} and ${entry})`);
        else seen.set(certificate.fingerprint256, entry);
      }
    }
  }
  if (entry < 0) say('at least one trust anchor must be provided');
}

function parsed(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function checkBundle(check: Check, bundle: Bundle, previous: Bundle | undefined): void {
  checkBundleName(check, bundle);
  if (bundle.spec?.signerName) checkSignerName(check, specPath, bundle.spec.signerName);
  const pem = bundle.spec?.trustBundle ?? '';
  if (pem !== previous?.spec?.trustBundle) checkTrustBundle(check, pem);
}

export const trustBundleValidation = strategyOf<Bundle>({
  // What a name must look like follows from the signer, which only validation knows.
  validateName: () => [],
  validate: (bundle) => collect((check) => checkBundle(check, bundle, undefined)),
  validateUpdate: (bundle, previous) =>
    collect((check) => {
      checkBundle(check, bundle, previous);
      const signer = bundle.spec?.signerName ?? '';
      check.unchanged(specPath, 'signerName', signer, signer === (previous.spec?.signerName ?? ''));
    }),
});

const SECONDS = { min: 3600, max: 7_862_400, ownMax: 86_400 };

export const podCertificateRequestValidation = strategyOf<PodCertificateRequest>({
  validate: ({ spec }) =>
    collect((check) => {
      checkSignerName(check, specPath, spec?.signerName ?? '');
      for (const field of ['podName', 'serviceAccountName', 'nodeName'] as const)
        check.dnsSubdomain(specPath, field, spec?.[field] ?? '');
      for (const field of ['podUID', 'serviceAccountUID', 'nodeUID'] as const) {
        const uid = spec?.[field] ?? '';
        if (uid === '') check.required(specPath, field, 'must not be empty');
        else if (uid.length > 128) check.tooLong(specPath, field, 128);
      }
      const seconds = spec?.maxExpirationSeconds;
      const most = spec?.signerName?.startsWith('kubernetes.io/') ? SECONDS.ownMax : SECONDS.max;
      if (seconds === undefined) check.required(specPath, 'maxExpirationSeconds', 'must be set');
      else if (seconds < SECONDS.min || seconds > most)
        check.invalid(specPath, 'maxExpirationSeconds', seconds, `must be in the range [${SECONDS.min}, ${most}]`);
      if (!spec?.stubPKCS10Request && !spec?.pkixPublicKey)
        check.required(specPath, 'stubPKCS10Request', 'must be set');
    }),
  validateUpdate: (request, previous) =>
    collect((check) => {
      check.unchanged(specPath, '', omittedValue, semanticEqual(request.spec, previous.spec));
    }),
});

type Candidate = CoordinationV1beta1LeaseCandidate;
const semanticVersion = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const oldest = 'OldestEmulationVersion';

function checkCandidate(check: Check, { spec }: Candidate): void {
  check.present(specPath, 'leaseName', spec?.leaseName);
  for (const field of ['binaryVersion', 'emulationVersion'] as const) {
    const version = spec?.[field] ?? '';
    const needed = field === 'binaryVersion' || spec?.strategy === oldest;
    if (version === '') {
      if (needed) check.required(specPath, field);
    } else if (!semanticVersion.test(version)) {
      check.invalid(specPath, field, version, `Invalid character(s) found in ${quote(version)}`);
    }
  }
  const strategy = spec?.strategy ?? '';
  if (strategy === '') check.required(specPath, 'strategy');
  else if (!strategy.includes('/') && strategy !== oldest) check.notSupported(specPath, 'strategy', strategy, [oldest]);
}

export const leaseCandidateValidation = strategyOf<Candidate>({
  validate: (candidate) => collect((check) => checkCandidate(check, candidate)),
  validateUpdate: (candidate, previous) =>
    collect((check) => {
      checkCandidate(check, candidate);
      const name = candidate.spec?.leaseName ?? '';
      check.unchanged(specPath, 'leaseName', name, name === previous.spec?.leaseName);
    }),
});

const effects = ['NoExecute', 'NoSchedule', 'None'];

function checkTaintRule(check: Check, { spec }: ResourceV1beta2DeviceTaintRule): void {
  const selector = at(specPath, 'deviceSelector');
  const { driver, pool, device } = spec?.deviceSelector ?? {};
  if (driver !== undefined) check.dnsSubdomain(selector, 'driver', driver);
  if (pool !== undefined) for (const part of pool.split('/')) check.dnsSubdomain(selector, 'pool', part);
  if (device !== undefined) check.dnsLabel(selector, 'device', device);
  const path = at(specPath, 'taint');
  check.qualifiedName(path, 'key', spec?.taint?.key ?? '');
  if (spec?.taint?.value) check.labelValue(path, 'value', spec.taint.value);
  check.requiredOneOf(path, 'effect', spec?.taint?.effect, effects);
}

export const deviceTaintRuleValidation = strategyOf<ResourceV1beta2DeviceTaintRule>({
  validate: (rule) => collect((check) => checkTaintRule(check, rule)),
  validateUpdate: (rule) => collect((check) => checkTaintRule(check, rule)),
});

export const poolStatusRequestValidation = strategyOf<ResourcePoolStatusRequest>({
  validate: ({ spec }) =>
    collect((check) => {
      if (!spec?.driver) check.required(specPath, 'driver');
      else check.dnsSubdomain(specPath, 'driver', spec.driver.toLowerCase());
      const { limit = 100, poolName } = spec ?? {};
      if (limit < 1) check.invalid(specPath, 'limit', limit, 'must be greater than or equal to 1');
      if (limit > 1000) check.invalid(specPath, 'limit', limit, 'must be less than or equal to 1000');
      if (poolName !== undefined)
        for (const part of poolName.split('/')) check.dnsSubdomain(specPath, 'poolName', part);
    }),
  validateUpdate: ({ spec }, previous) =>
    collect((check) => check.unchanged(specPath, '', omittedValue, semanticEqual(spec, previous.spec))),
});

const CLAIMS_MAX = 4;
const TEMPLATES_MAX = 8;

/** Exactly one of the two policies. */
function checkPolicy(check: Check, path: Path, policy: PodGroupSchedulingPolicy | undefined): void {
  const given = (['basic', 'gang'] as const).filter((name) => policy?.[name] !== undefined);
  if (given.length === 0) {
    check.invalid(path, '', new PlainValue('""'), 'must specify one of: `basic`, `gang`');
  } else if (given.length > 1) {
    check.invalid(path, '', new PlainValue('{basic, gang}'), 'must specify exactly one of: `basic`, `gang`');
  }
  const count = policy?.gang?.minCount;
  if (policy?.gang === undefined) return;
  if (!count) check.required(at(path, 'gang'), 'minCount');
  else if (count < 1) check.invalid(at(path, 'gang'), 'minCount', count, 'must be greater than or equal to 1');
}

function checkClaims(check: Check, path: Path, claims: readonly PodGroupResourceClaim[]): void {
  if (claims.length > CLAIMS_MAX) check.tooMany(path, '', claims.length, CLAIMS_MAX);
  claims.forEach((claim, index) => {
    const place = at(path, index);
    if (claims.findIndex(({ name }) => name === claim.name) < index) check.duplicate(path, index, claim.name);
    if (!claim.name) check.required(place, 'name');
    else check.dnsLabel(place, 'name', claim.name);
    const names = [claim.resourceClaimName, claim.resourceClaimTemplateName];
    if (names.filter((name) => name !== undefined).length !== 1)
      check.invalid(
        place,
        '',
        new PlainValue('""'),
        'must specify exactly one of: `resourceClaimName`, `resourceClaimTemplateName`',
      );
  });
}

function checkGroup(check: Check, path: Path, group: Omit<PodGroupTemplate, 'name'> | undefined): void {
  checkPolicy(check, at(path, 'schedulingPolicy'), group?.schedulingPolicy);
  checkClaims(check, at(path, 'resourceClaims'), group?.resourceClaims ?? []);
  const topology = group?.schedulingConstraints?.topology ?? [];
  const place = at(at(path, 'schedulingConstraints'), 'topology');
  if (topology.length > 1) check.tooMany(place, '', topology.length, 1);
  topology.forEach(({ key }, index) => {
    if (!key) check.required(at(place, index), 'key');
    else check.qualifiedName(at(place, index), 'key', key);
  });
}

export const podGroupValidation = strategyOf<PodGroup>({
  validate: ({ spec }) =>
    collect((check) => {
      checkGroup(check, specPath, spec);
      const workload = spec?.podGroupTemplateRef?.workload;
      if (!spec?.podGroupTemplateRef) return;
      const path = at(at(specPath, 'podGroupTemplateRef'), 'workload');
      if (!workload) {
        check.invalid(at(specPath, 'podGroupTemplateRef'), '', new PlainValue('""'), 'must specify one of: `workload`');
        return;
      }
      if (!workload.workloadName) check.required(path, 'workloadName');
      else check.dnsSubdomain(path, 'workloadName', workload.workloadName);
      if (!workload.podGroupTemplateName) check.required(path, 'podGroupTemplateName');
      else check.dnsLabel(path, 'podGroupTemplateName', workload.podGroupTemplateName);
    }),
  validateUpdate: (group, previous) =>
    collect((check) => {
      const fields = Object.keys({ ...group.spec, ...previous.spec }) as (keyof NonNullable<PodGroup['spec']>)[];
      for (const field of fields)
        check.unchanged(specPath, field, omittedValue, semanticEqual(group.spec?.[field], previous.spec?.[field]));
    }),
});

export const workloadValidation = strategyOf<Workload>({
  validate: ({ spec }) =>
    collect((check) => {
      const reference = spec?.controllerRef;
      if (reference) {
        const path = at(specPath, 'controllerRef');
        if (reference.apiGroup) check.dnsSubdomain(path, 'apiGroup', reference.apiGroup);
        for (const field of ['kind', 'name'] as const) {
          if (!reference[field]) check.required(path, field);
          else check.all(path, field, reference[field], validatePathSegmentName(reference[field]));
        }
      }
      const templates = spec?.podGroupTemplates ?? [];
      const path = at(specPath, 'podGroupTemplates');
      if (templates.length === 0) check.required(path, '');
      if (templates.length > TEMPLATES_MAX) check.tooMany(path, '', templates.length, TEMPLATES_MAX);
      templates.forEach((template, index) => {
        const place = at(path, index);
        if (templates.findIndex(({ name }) => name === template.name) < index)
          check.duplicate(path, index, template.name);
        if (!template.name) check.required(place, 'name');
        else check.dnsLabel(place, 'name', template.name);
        checkGroup(check, place, template);
      });
    }),
  validateUpdate: (workload, previous) =>
    collect((check) => {
      for (const field of ['controllerRef', 'podGroupTemplates'] as const)
        check.unchanged(specPath, field, omittedValue, semanticEqual(workload.spec?.[field], previous.spec?.[field]));
    }),
});

export const storageVersionMigrationValidation = strategyOf<StorageVersionMigration>({
  validate: ({ spec }) => collect((check) => check.present(specPath, 'resource', spec?.resource?.resource)),
  validateUpdate: ({ spec }, previous) =>
    collect((check) => {
      const same = semanticEqual(spec?.resource, previous.spec?.resource);
      check.unchanged(specPath, 'resource', omittedValue, same);
    }),
});
