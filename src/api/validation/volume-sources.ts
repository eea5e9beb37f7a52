/**
 * Sources of volumes that pods and persistent volumes have in common, and the order in which upstream looks at them.
 * @see validateVolumeSource, ValidatePersistentVolumeSpec
 */
import type {
  AzureDiskVolumeSource,
  CSIPersistentVolumeSource,
  FCVolumeSource,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  QuobyteVolumeSource,
} from '../generated/types.ts';
import { validateDnsSubdomain } from '../names.ts';
import { at, between, type Check, type Path, type Step } from './check.ts';
import { checkDescendingPath, checkNoBacksteps } from './file-paths.ts';

/** A source as far as its check looks: texts by name. Each check reads only what its own type has. */
type Texts = Readonly<Record<string, unknown>>;
export type SourceCheck = (check: Check, path: Path, source: never, name: string) => void;

const text = (source: Texts, field: string): string | undefined => source[field] as string | undefined;

/** A source whose only rule is that some texts are there. */
function needs(...fields: readonly string[]): SourceCheck {
  return (check, path, source: Texts) => {
    for (const field of fields) {
      const value = source[field];
      if (Array.isArray(value) ? value.length === 0 : !value) check.required(path, field);
    }
  };
}

/** The reference to a Secret names it, and with `namespaced` its namespace. */
export function checkSecretName(check: Check, path: Path, source: Texts, namespaced: boolean): void {
  const reference = source['secretRef'] as Texts | undefined;
  if (!reference) return;
  if (!text(reference, 'name')) check.required(at(path, 'secretRef'), 'name');
  if (namespaced && !text(reference, 'namespace')) check.required(at(path, 'secretRef'), 'namespace');
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

function checkHostPath(check: Check, path: Path, source: HostPathVolumeSource): void {
  if (!source.path) {
    check.required(path, 'path');
    return;
  }
  checkNoBacksteps(check, path, 'path', source.path);
  if (source.type !== undefined) check.oneOf(path, 'type', source.type, hostPathTypes);
}

function checkDisk(idField: string): SourceCheck {
  return (check, path, source: Texts) => {
    check.present(path, idField, text(source, idField));
    const partition = (source['partition'] as number | undefined) ?? 0;
    if (partition < 0 || partition > 255) check.invalid(path, 'partition', partition, between(1, 255));
  };
}

const qualifiedNames: readonly (readonly [prefix: string, expression: RegExp])[] = [
  ['iqn', /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/],
  ['eui', /^eui.[A-Za-z0-9]{16}$/],
  ['naa', /^naa.[A-Za-z0-9]{32}$/],
];

function checkIscsiName(check: Check, path: Path, step: Step, name: string, unknownPrefix: string): void {
  const rule = qualifiedNames.find(([prefix]) => name.startsWith(prefix));
  if (rule === undefined) check.invalid(path, step, name, unknownPrefix);
  else if (!rule[1].test(name)) check.invalid(path, step, name, 'must be valid format');
}

/** Said of a pod's volume at its name, and of a persistent one at its portal. */
export const longPortal =
  'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';

function checkIscsi(check: Check, path: Path, source: ISCSIVolumeSource, persistent: boolean, volume: string): void {
  check.present(path, 'targetPortal', source.targetPortal);
  const isLong = source.initiatorName !== undefined && Buffer.byteLength(`${volume}:${source.targetPortal}`) > 64;
  if (persistent && isLong) check.invalid(path, 'targetportal', source.targetPortal, longPortal);
  const unknown = persistent ? 'must be valid format' : 'must be valid format starting with iqn, eui, or naa';
  if (!source.iqn) check.required(path, 'iqn');
  else checkIscsiName(check, path, 'iqn', source.iqn, unknown);
  check.inRange(path, 'lun', source.lun ?? 0, 0, 255);
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) check.required(path, 'secretRef');
  if (persistent && source.secretRef && !source.secretRef.name) check.required(at(path, 'secretRef'), 'name');
  if (source.initiatorName !== undefined) checkIscsiName(check, path, 'initiatorname', source.initiatorName, unknown);
}

function checkFibreChannel(check: Check, path: Path, source: FCVolumeSource): void {
  const names = source.targetWWNs ?? [];
  const ids = source.wwids ?? [];
  if (names.length === 0 && ids.length === 0)
    check.required(path, 'targetWWNs', 'must specify either targetWWNs or wwids, but not both');
  if (names.length > 0 && ids.length > 0)
    check.invalid(path, 'targetWWNs', names, 'targetWWNs and wwids can not be specified simultaneously');
  if (names.length === 0) return;
  if (source.lun === undefined) check.required(path, 'lun', 'lun is required if targetWWNs is specified');
  else check.inRange(path, 'lun', source.lun, 0, 255);
}

function checkQuobyte(check: Check, path: Path, source: QuobyteVolumeSource): void {
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (!source.registry) check.required(path, 'registry', pairs);
  else if ((source.tenant?.length ?? 0) >= 65)
    check.required(path, 'tenant', 'must be a UUID and may not exceed a length of 64 characters');
  else
    for (const pair of source.registry.split(',')) {
      if (!/^([^:[\]]*|\[[^[\]]*\]):[^:]*$/.test(pair)) check.invalid(path, 'registry', source.registry, pairs);
    }
  check.present(path, 'volume', source.volume);
}

function checkNfs(check: Check, path: Path, source: Texts): void {
  check.present(path, 'server', text(source, 'server'));
  const directory = text(source, 'path') ?? '';
  check.present(path, 'path', directory);
  if (!directory.startsWith('/')) check.invalid(path, 'path', directory, 'must be an absolute path');
}

function checkFlocker(check: Check, path: Path, source: Texts): void {
  const name = text(source, 'datasetName') ?? '';
  const id = text(source, 'datasetUUID') ?? '';
  if (name === '' && id === '') check.required(path, '', 'one of datasetName and datasetUUID is required');
  if (name !== '' && id !== '')
    check.invalid(path, '', 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  if (name.includes('/')) check.invalid(path, 'datasetName', name, "must not contain '/'");
}

function checkFlex(check: Check, path: Path, source: Texts): void {
  check.present(path, 'driver', text(source, 'driver'));
  for (const key of Object.keys((source['options'] as object | undefined) ?? {})) {
    const slash = key.indexOf('/');
    const domain = `.${(slash < 0 ? key : key.slice(0, slash)).toLowerCase()}`;
    if (domain.endsWith('.kubernetes.io') || domain.endsWith('.k8s.io')) {
      const place = at(path, 'options').key(key);
      check.invalid(place, '', key, 'kubernetes.io and k8s.io namespaces are reserved');
    }
  }
}

function checkAzureDisk(check: Check, path: Path, source: AzureDiskVolumeSource): void {
  check.present(path, 'diskName', source.diskName);
  check.present(path, 'diskURI', source.diskURI);
  if (source.cachingMode !== undefined)
    check.oneOf(path, 'cachingMode', source.cachingMode, ['None', 'ReadOnly', 'ReadWrite']);
  const { kind, diskURI = '' } = source;
  if (kind === undefined) return;
  check.oneOf(path, 'kind', kind, ['Dedicated', 'Managed', 'Shared']);
  if (kind === 'Managed' && !diskURI.startsWith('/subscriptions/'))
    check.notSupported(path, 'diskURI', diskURI, [
      '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}',
    ]);
  if (kind !== 'Managed' && !diskURI.startsWith('https://'))
    check.notSupported(path, 'diskURI', diskURI, [
      'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd',
    ]);
}

function checkStorageOs(check: Check, path: Path, source: Texts, namespaced: boolean): void {
  const name = text(source, 'volumeName');
  if (!name) check.required(path, 'volumeName');
  else check.dnsLabel(path, 'volumeName', name);
  const namespace = text(source, 'volumeNamespace');
  if (namespace) check.dnsLabel(path, 'volumeNamespace', namespace);
  checkSecretName(check, path, source, namespaced);
}

/** Names of CSI drivers, also where objects of their own carry them. */
export function checkCsiDriverName(check: Check, path: Path, step: Step, name: string): void {
  if (name === '') check.required(path, step);
  if (name.length > 63) check.tooLong(path, step, 63);
  check.all(path, step, name, validateDnsSubdomain(name.toLowerCase()));
}

function checkPersistentCsi(check: Check, path: Path, source: CSIPersistentVolumeSource): void {
  checkCsiDriverName(check, path, 'driver', source.driver ?? '');
  check.present(path, 'volumeHandle', source.volumeHandle);
  const fields = [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ] as const;
  for (const field of fields) {
    const reference = source[field];
    if (!reference) continue;
    const place = at(path, field);
    if (!reference.name) check.required(place, 'name');
    else check.dnsSubdomain(place, 'name', reference.name);
    if (!reference.namespace) check.required(place, 'namespace');
    else check.dnsLabel(place, 'namespace', reference.namespace);
  }
}

/** How one type of source is checked. `errorPath`: where upstream says that it is, if not at the field. */
export interface SourceRule {
  readonly field: string;
  readonly check: SourceCheck;
  readonly errorPath?: string;
  /** Where it says that there are two sources. */
  readonly clashPath?: string;
  /** It is no clash with what stands before it. */
  readonly clashes?: false;
}

const gce: SourceRule = { field: 'gcePersistentDisk', check: checkDisk('pdName'), errorPath: 'persistentDisk' };
const aws: SourceRule = { field: 'awsElasticBlockStore', check: checkDisk('volumeID') };
const hostPath: SourceRule = { field: 'hostPath', check: checkHostPath as SourceCheck };
const nfs: SourceRule = { field: 'nfs', check: checkNfs as SourceCheck };
const flocker: SourceRule = { field: 'flocker', check: checkFlocker as SourceCheck };
const rbd: SourceRule = { field: 'rbd', check: needs('monitors', 'image') };
const cephfs: SourceRule = { field: 'cephfs', check: needs('monitors'), clashPath: 'cephFS' };
const quobyte: SourceRule = { field: 'quobyte', check: checkQuobyte as SourceCheck };
const fc: SourceRule = { field: 'fc', check: checkFibreChannel as SourceCheck };
const flex: SourceRule = { field: 'flexVolume', check: checkFlex as SourceCheck };
const vsphere: SourceRule = { field: 'vsphereVolume', check: needs('volumePath') };
const photon: SourceRule = { field: 'photonPersistentDisk', check: needs('pdID') };
const portworx: SourceRule = { field: 'portworxVolume', check: needs('volumeID') };
const azureDisk: SourceRule = { field: 'azureDisk', check: checkAzureDisk as SourceCheck };
const scaleIo: SourceRule = { field: 'scaleIO', check: needs('gateway', 'system', 'volumeName') };

const cinder = (namespaced: boolean): SourceRule => ({
  field: 'cinder',
  check: (check, path, source: Texts) => {
    check.present(path, 'volumeID', text(source, 'volumeID'));
    checkSecretName(check, path, source, namespaced);
  },
});
const storageOs = (namespaced: boolean): SourceRule => ({
  field: 'storageos',
  check: (check, path, source: Texts) => checkStorageOs(check, path, source, namespaced),
});
const iscsi = (persistent: boolean): SourceRule => ({
  field: 'iscsi',
  check: (check, path, source: ISCSIVolumeSource, name) => checkIscsi(check, path, source, persistent, name),
});
const gitRepo: SourceRule = {
  field: 'gitRepo',
  check: (check, path, source: Texts) => {
    check.present(path, 'repository', text(source, 'repository'));
    checkDescendingPath(check, path, 'directory', text(source, 'directory') ?? '');
  },
};
const persistentGlusterfs: SourceRule = {
  field: 'glusterfs',
  check: (check, path, source: Texts) => {
    check.present(path, 'endpoints', text(source, 'endpoints'));
    check.present(path, 'path', text(source, 'path'));
    const namespace = text(source, 'endpointsNamespace');
    if (namespace === '')
      check.invalid(
        path,
        'endpointsNamespace',
        '',
        'if the endpointnamespace is set, it must be a valid namespace name',
      );
    else if (namespace !== undefined) check.dnsLabel(path, 'endpointsNamespace', namespace);
  },
};
const persistentAzureFile: SourceRule = {
  field: 'azureFile',
  check: (check, path, source: Texts) => {
    check.present(path, 'secretName', text(source, 'secretName'));
    check.present(path, 'shareName', text(source, 'shareName'));
    if (source['secretNamespace'] === '') check.required(path, 'secretNamespace');
  },
};
const local: SourceRule = {
  field: 'local',
  check: (check, path, source: Texts) => {
    const directory = text(source, 'path');
    if (!directory) check.required(path, 'path');
    else checkNoBacksteps(check, path, 'path', directory);
  },
};

/** The sources that both pods and persistent volumes can have, in the order of pods'. Gaps are filled by {@link podSourceRules}' user. */
export function podSourceRules(own: Readonly<Record<string, SourceCheck>>): readonly SourceRule[] {
  const rule = (field: string, clashPath?: string): SourceRule => ({
    field,
    check: own[field] as SourceCheck,
    ...(clashPath !== undefined && { clashPath }),
  });
  return [
    rule('emptyDir'),
    hostPath,
    gitRepo,
    gce,
    aws,
    rule('secret'),
    nfs,
    iscsi(false),
    { field: 'glusterfs', check: needs('endpoints', 'path') },
    flocker,
    { field: 'persistentVolumeClaim', check: needs('claimName') },
    rbd,
    cinder(false),
    cephfs,
    quobyte,
    rule('downwardAPI', 'downwarAPI'),
    fc,
    flex,
    rule('configMap'),
    { field: 'azureFile', check: needs('secretName', 'shareName') },
    vsphere,
    photon,
    portworx,
    azureDisk,
    storageOs(false),
    rule('projected'),
    scaleIo,
    rule('csi'),
    rule('ephemeral'),
    rule('image'),
  ];
}

/** The sources of persistent volumes, in upstream's order. */
export const persistentSourceRules: readonly SourceRule[] = [
  hostPath,
  gce,
  aws,
  persistentGlusterfs,
  flocker,
  nfs,
  rbd,
  quobyte,
  cephfs,
  iscsi(true),
  cinder(true),
  fc,
  { ...flex, clashes: false },
  persistentAzureFile,
  vsphere,
  photon,
  portworx,
  azureDisk,
  scaleIo,
  local,
  storageOs(true),
  { field: 'csi', check: checkPersistentCsi as SourceCheck },
];

/**
 * Checks the one source of a volume, and that it is one.
 * @returns how many there are.
 */
export function checkSources(
  check: Check,
  path: Path,
  holder: object,
  rules: readonly SourceRule[],
  name: string,
): number {
  const sources = holder as Readonly<Record<string, unknown>>;
  let count = 0;
  for (const rule of rules) {
    const source = sources[rule.field];
    if (source === undefined || source === null) continue;
    count += 1;
    if (count > 1 && rule.clashes !== false)
      check.forbidden(path, rule.clashPath ?? rule.field, 'may not specify more than 1 volume type');
    else rule.check(check, at(path, rule.errorPath ?? rule.field), source as never, name);
  }
  return count;
}
