/**
 * Volumes of pods: their names and sources, and what is projected into them.
 * @see ValidateVolumes
 */
import type {
  ClusterTrustBundleProjection,
  ConfigMapVolumeSource,
  CSIVolumeSource,
  DownwardAPIVolumeFile,
  DownwardAPIVolumeSource,
  EmptyDirVolumeSource,
  EphemeralVolumeSource,
  ImageVolumeSource,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  SecretVolumeSource,
  ServiceAccountTokenProjection,
  Volume,
} from '../generated/types.ts';
import { quote } from '../go-text.ts';
import { validateDnsSubdomain } from '../names.ts';
import { at, type Check, type Path } from './check.ts';
import { checkClaimSpec, checkTemplateMetadata } from './claim-spec.ts';
import { checkFieldSelector, checkResourceSelector, volumeFields } from './downward-fields.ts';
import { checkFileMode, checkLocalPath } from './file-paths.ts';
import { internalForm } from './internal-form.ts';
import { checkLabelSelector } from './label-selector.ts';
import { isNegativeAmount } from './resource-names.ts';
import { checkCsiDriverName, checkSources, longPortal, podSourceRules, type SourceCheck } from './volume-sources.ts';

/** Volumes that passed, by name: what containers may mount. */
export type KnownVolumes = ReadonlyMap<string, Volume>;

const noVolumes: KnownVolumes = new Map();
export const pullPolicies: readonly string[] = ['Always', 'IfNotPresent', 'Never'];

function checkKeyToPath(check: Check, path: Path, item: KeyToPath): void {
  check.present(path, 'key', item.key);
  check.present(path, 'path', item.path);
  checkLocalPath(check, path, 'path', item.path ?? '');
  checkFileMode(check, path, 'mode', item.mode);
}

function checkItems(check: Check, path: Path, items: readonly KeyToPath[] | undefined): void {
  items?.forEach((item, index) => {
    checkKeyToPath(check, at(at(path, 'items'), index), item);
  });
}

function checkDownwardFile(check: Check, path: Path, file: DownwardAPIVolumeFile): void {
  check.present(path, 'path', file.path);
  checkLocalPath(check, path, 'path', file.path ?? '');
  if (file.fieldRef) {
    checkFieldSelector(check, path, 'fieldRef', file.fieldRef, volumeFields);
    if (file.resourceFieldRef)
      check.invalid(path, '', 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
  } else if (file.resourceFieldRef)
    checkResourceSelector(check, at(path, 'resourceFieldRef'), file.resourceFieldRef, true);
  else check.required(path, '', 'one of fieldRef and resourceFieldRef is required');
  checkFileMode(check, path, 'mode', file.mode);
}

const own = {
  emptyDir(check: Check, path: Path, source: EmptyDirVolumeSource) {
    if (source.sizeLimit !== undefined && isNegativeAmount(source.sizeLimit))
      check.forbidden(path, 'sizeLimit', 'SizeLimit field must be a valid resource quantity');
  },
  secret(check: Check, path: Path, source: SecretVolumeSource) {
    check.present(path, 'secretName', source.secretName);
    checkFileMode(check, path, 'defaultMode', source.defaultMode);
    checkItems(check, path, source.items);
  },
  configMap(check: Check, path: Path, source: ConfigMapVolumeSource) {
    check.present(path, 'name', source.name);
    checkFileMode(check, path, 'defaultMode', source.defaultMode);
    checkItems(check, path, source.items);
  },
  downwardAPI(check: Check, path: Path, source: DownwardAPIVolumeSource) {
    checkFileMode(check, path, 'defaultMode', source.defaultMode);
    for (const file of source.items ?? []) checkDownwardFile(check, path, file);
  },
  projected(check: Check, path: Path, source: ProjectedVolumeSource) {
    checkFileMode(check, path, 'defaultMode', source.defaultMode);
    checkProjections(check, path, source);
  },
  csi(check: Check, path: Path, source: CSIVolumeSource) {
    checkCsiDriverName(check, path, 'driver', source.driver ?? '');
    const reference = source.nodePublishSecretRef;
    if (!reference) return;
    if (!reference.name) check.required(at(path, 'nodePublishSecretRef'), 'name');
    else check.dnsSubdomain(path, 'name', reference.name);
  },
  ephemeral(check: Check, path: Path, source: EphemeralVolumeSource) {
    const template = source.volumeClaimTemplate;
    if (!template) {
      check.required(path, 'volumeClaimTemplate');
      return;
    }
    const here = at(path, 'volumeClaimTemplate');
    checkTemplateMetadata(check, at(here, 'metadata'), template.metadata);
    checkClaimSpec(check, at(here, 'spec'), template.spec ?? {});
  },
};

function imageCheck(isPod: boolean) {
  return (check: Check, path: Path, source: ImageVolumeSource): void => {
    if (isPod) check.present(path, 'reference', source.reference);
    check.requiredOneOf(path, 'pullPolicy', source.pullPolicy, pullPolicies);
  };
}

const podRules = podSourceRules({ ...own, image: imageCheck(true) } as unknown as Record<string, SourceCheck>);
const templateRules = podSourceRules({ ...own, image: imageCheck(false) } as unknown as Record<string, SourceCheck>);

/** Paths inside one projected volume, which its sources share. */
class ProjectedPaths {
  readonly #seen = new Set<string>();

  /** Refuses a path that is taken; `named` is what upstream prints of it. */
  take(check: Check, path: Path, file: string, named: string): void {
    if (this.#seen.has(file)) check.invalid(path, '', named, 'conflicting duplicate paths');
    this.#seen.add(file);
  }
}

function checkProjections(check: Check, path: Path, projected: ProjectedVolumeSource): void {
  const paths = new ProjectedPaths();
  projected.sources?.forEach((source, index) => {
    const here = at(at(path, 'sources'), index);
    let count = 0;
    for (const field of ['secret', 'configMap'] as const) {
      const items = source[field];
      if (!items) continue;
      count += 1;
      check.present(at(here, field), 'name', items.name);
      items.items?.forEach((item, order) => {
        checkKeyToPath(check, at(at(at(here, field), 'items'), order), item);
        if (item.path) paths.take(check, path, item.path, items.name ?? '');
      });
    }
    if (source.downwardAPI) {
      count += 1;
      for (const file of source.downwardAPI.items ?? []) {
        checkDownwardFile(check, at(here, 'downwardAPI'), file);
        if (file.path) paths.take(check, path, file.path, file.path);
      }
    }
    if (source.serviceAccountToken) {
      count += 1;
      checkTokenProjection(check, path, at(here, 'serviceAccountToken'), source.serviceAccountToken);
    }
    if (source.clusterTrustBundle) {
      count += 1;
      checkTrustBundle(check, at(here, 'clusterTrustBundle'), source.clusterTrustBundle);
      const file = source.clusterTrustBundle.path ?? '';
      paths.take(check, path, file, file);
    }
    if (source.podCertificate) {
      count += 1;
      checkPodCertificate(check, path, at(here, 'podCertificate'), source.podCertificate, paths);
    }
    if (count > 1) check.forbidden(here, '', 'may not specify more than 1 volume type per source');
  });
}

/** Upstream says of a token's path that it is the volume's. */
function checkTokenProjection(
  check: Check,
  volume: Path,
  path: Path,
  { expirationSeconds = 0, path: file }: ServiceAccountTokenProjection,
): void {
  if (expirationSeconds < 600)
    check.invalid(path, 'expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes');
  if (expirationSeconds > 2 ** 32)
    check.invalid(path, 'expirationSeconds', expirationSeconds, 'may not specify a duration larger than 2^32 seconds');
  if (!file) check.required(volume, 'path');
  else checkLocalPath(check, volume, 'path', file);
}

function checkTrustBundle(check: Check, path: Path, bundle: ClusterTrustBundleProjection): void {
  const { name, signerName } = bundle;
  if (name !== undefined && signerName !== undefined)
    check.invalid(path, '', internalForm('TrustBundle', bundle), 'only one of name and signerName may be used');
  else if (name !== undefined) {
    if (name === '') check.required(path, 'name', 'must be a valid object name');
    // What stands before the last colon is its signer's name, of which the name follows.
    const messages = validateDnsSubdomain(name.slice(name.lastIndexOf(':') + 1));
    for (const message of messages) check.invalid(path, 'name', name, `not a valid clustertrustbundlename: ${message}`);
    if (bundle.labelSelector)
      check.invalid(path, 'labelSelector', bundle.labelSelector, 'labelSelector must be unset if name is specified');
  } else if (signerName !== undefined) {
    if (signerName === '') check.required(path, 'signerName', 'must be a valid signer name');
    checkSignerName(check, path, signerName);
    checkLabelSelector(check, bundle.labelSelector, path, 'labelSelector');
  } else check.required(path, '', 'either name or signerName must be specified');
  check.present(path, 'path', bundle.path);
  checkLocalPath(check, path, 'path', bundle.path ?? '');
}

/**
 * A domain and a path: `example.com/signer`.
 * @see pkg/apis/core/validation/names.go ValidateSignerName
 */
export function checkSignerName(check: Check, path: Path, name: string): void {
  if (name === '') {
    check.required(path, 'signerName');
    return;
  }
  const slash = name.indexOf('/');
  if (slash < 0) {
    const text = 'must be a fully qualified domain and path of the form "example.com/signer-name"';
    check.invalid(path, 'signerName', name, text);
    return;
  }
  const domain = name.slice(0, slash);
  const rest = name.slice(slash + 1);
  if (domain.length > 253) check.tooLong(path, 'signerName', 253);
  if (rest.includes('/')) {
    const text = 'must be a fully qualified domain and path of the form "example.com/signer-name"';
    check.invalid(path, 'signerName', name, text);
    return;
  }
  for (const message of validateDnsSubdomain(domain))
    check.invalid(path, 'signerName', domain, `validating label ${quote(domain)}: ${message}`);
  if (domain.split('.').length < 2)
    check.invalid(path, 'signerName', domain, 'should be a domain with at least two segments separated by dots');
  for (const message of validateDnsSubdomain(rest))
    check.invalid(path, 'signerName', rest, `validating label ${quote(rest)}: ${message}`);
  if (name.length > 571) check.tooLong(path, 'signerName', 571);
}

const keyTypes = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const daySeconds = 86_400;
/** Of certificates of pods: signers of Kubernetes' own are the stricter ones. */
const expirationSecondsMax = (signerName: string): number =>
  /^([^/]*\.)?kubernetes\.io\//.test(signerName) ? daySeconds : 91 * daySeconds;

function checkPodCertificate(
  check: Check,
  volume: Path,
  path: Path,
  projection: PodCertificateProjection,
  paths: ProjectedPaths,
): void {
  checkSignerName(check, path, projection.signerName ?? '');
  check.oneOf(path, 'keyType', projection.keyType, keyTypes);
  const seconds = projection.maxExpirationSeconds;
  const secondsMax = expirationSecondsMax(projection.signerName ?? '');
  if (seconds !== undefined && seconds < 3600)
    check.invalid(path, 'maxExpirationSeconds', seconds, 'if provided, maxExpirationSeconds must be >= 3600');
  if (seconds !== undefined && seconds > secondsMax)
    check.invalid(path, 'maxExpirationSeconds', seconds, `if provided, maxExpirationSeconds must be <= ${secondsMax}`);
  let files = 0;
  for (const field of ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const) {
    const file = projection[field];
    if (!file) continue;
    files += 1;
    checkLocalPath(check, path, field, file);
    paths.take(check, volume, file, file);
  }
  if (files === 0)
    check.required(path, '', 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath');
}

/** `podName`: of a pod itself, whose ephemeral volumes get claims of a name that follows. */
export function checkVolumes(
  check: Check,
  path: Path,
  volumes: readonly Volume[] | undefined,
  podName: string | undefined,
  isPod: boolean,
): KnownVolumes {
  if (volumes === undefined || volumes.length === 0) return noVolumes;
  const known = new Map<string, Volume>();
  const created = new Set<string>();
  if (podName) for (const volume of volumes) if (volume.ephemeral) created.add(`${podName}-${volume.name}`);
  for (let index = 0; index < volumes.length; index++) {
    const volume = volumes[index] as Volume;
    const before = check.errors.length;
    const here = at(path, index);
    const name = volume.name ?? '';
    const sources = checkSources(check, here, volume, isPod ? podRules : templateRules, name);
    if (volume.iscsi?.initiatorName !== undefined && Buffer.byteLength(`${name}:${volume.iscsi.targetPortal}`) > 64)
      check.invalid(here, 'name', name, longPortal);
    if (sources === 0) check.required(here, '', 'must specify a volume type');
    if (podName && name !== '' && volume.ephemeral && sources === 1) {
      const claim = `${podName}-${name}`;
      for (const message of validateDnsSubdomain(claim))
        check.invalid(here, 'name', name, `PVC name ${quote(claim)}: ${message}`);
    }
    if (name === '') check.required(here, 'name');
    else check.dnsLabel(here, 'name', name);
    if (known.has(name)) check.duplicate(here, 'name', name);
    if (check.errors.length === before) known.set(name, volume);
    const claimName = volume.persistentVolumeClaim?.claimName;
    if (claimName && created.has(claimName))
      check.invalid(
        at(here, 'persistentVolumeClaim'),
        'claimName',
        claimName,
        'must not reference a PVC that gets created for an ephemeral volume',
      );
  }
  return known;
}
