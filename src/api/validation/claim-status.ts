/**
 * The status of ResourceClaims: what was allocated, for whom, and what drivers say of the devices.
 * @see pkg/apis/resource/validation/validation.go validateResourceClaimStatusUpdate
 */
import { fieldPath, PlainValue } from '../field-errors.ts';
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimStatus,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { rangeFamily } from './addresses.ts';
import { checkNodeSelector } from './affinity.ts';
import { at, type Check, immutableField, type Path } from './check.ts';
import { checkConditions } from './conditions.ts';
import {
  checkBindingConditions,
  checkConfiguration,
  checkDeviceTolerations,
  checkDriver,
  checkItems,
  checkPoolName,
  checkRawObject,
  checkSet,
  configurationsMax,
} from './devices.ts';
import { internalForm } from './internal-form.ts';
import { checkRequestReference, type RequestNames, requestNamesOf, requestsMax } from './request-names.ts';

const statusPath = fieldPath('status');
const consumersMax = 256;
const resultsMax = 32;
const conditionsMax = 8;

export function checkClaimStatus(check: Check, claim: ResourceClaim, previous: ResourceClaim): void {
  const { status = {} } = claim;
  const before: ResourceClaimStatus = previous.status ?? {};
  const { allocation, reservedFor = [], devices } = status;
  checkSet(
    check,
    at(statusPath, 'reservedFor'),
    reservedFor,
    consumersMax,
    (consumer, place) => {
      for (const field of ['resource', 'name', 'uid'] as const) check.present(place, field, consumer[field]);
    },
    (consumer) => consumer.uid ?? '',
  );
  const allocated = new Set(allocation?.devices?.results?.map(deviceKey));
  checkSet(
    check,
    at(statusPath, 'devices'),
    devices,
    Number.POSITIVE_INFINITY,
    (device, place) => checkDeviceStatus(check, place, device, allocated),
    (device) => new PlainValue(deviceKey(device)),
  );
  if (reservedFor.length > 0) checkReservations(check, claim, before);
  if (allocation && before.allocation) {
    if (!semanticEqual(allocation, before.allocation))
      check.invalid(statusPath, 'allocation', internalForm('AllocationResult', allocation), immutableField);
  } else if (allocation)
    checkAllocation(check, at(statusPath, 'allocation'), allocation, requestNamesOf(claim.spec?.devices));
}

function checkReservations(check: Check, claim: ResourceClaim, before: ResourceClaimStatus): void {
  const { reservedFor = [], allocation } = claim.status ?? {};
  if (!allocation) {
    check.forbidden(statusPath, 'reservedFor', 'may not be specified when `allocated` is not set');
    return;
  }
  if (claim.metadata?.deletionTimestamp === undefined) return;
  const added = reservedFor.some((consumer) => !before.reservedFor?.some((other) => semanticEqual(other, consumer)));
  if (added)
    check.forbidden(
      statusPath,
      'reservedFor',
      'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
    );
}

const deviceKey = ({ driver, pool, device, shareID }: Partial<AllocatedDeviceStatus>): string => {
  const text = `${driver ?? ''}/${pool ?? ''}/${device ?? ''}`;
  return shareID === undefined ? text : `${text}/${shareID}`;
};

function checkDeviceStatus(
  check: Check,
  path: Path,
  device: AllocatedDeviceStatus,
  allocated: ReadonlySet<string>,
): void {
  const { driver = '', pool = '', device: name = '', shareID, data } = device;
  const conditions = device.conditions ?? [];
  checkDriver(check, path, 'driver', driver);
  checkPoolName(check, path, 'pool', pool);
  check.dnsLabel(path, 'device', name);
  if (shareID !== undefined) checkUid(check, path, 'shareID', shareID);
  if (!allocated.has(deviceKey(device)))
    check.invalid(path, '', new PlainValue(deviceKey(device)), 'must be an allocated device in the claim');
  if (conditions.length > conditionsMax) check.tooMany(path, 'conditions', conditions.length, conditionsMax);
  checkConditions(check, at(path, 'conditions'), conditions);
  if (data !== undefined) checkRawObject(check, at(path, 'data'), data, false);
  if (device.networkData) checkNetworkData(check, at(path, 'networkData'), device.networkData);
}

function checkNetworkData(check: Check, path: Path, network: NetworkDeviceData): void {
  if ((network.interfaceName?.length ?? 0) > 256) check.tooLong(path, 'interfaceName', 256);
  if ((network.hardwareAddress?.length ?? 0) > 128) check.tooLong(path, 'hardwareAddress', 128);
  checkSet(
    check,
    at(path, 'ips'),
    network.ips,
    16,
    (address, place) => {
      if (rangeFamily(address) === 0)
        check.invalid(place, '', address, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)');
    },
    (address) => address,
  );
}

const uidExpression = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;

function checkUid(check: Check, path: Path, step: string, uid: string): void {
  if (uid.length !== 36) check.invalid(path, step, uid, `error validating uid: invalid UUID length: ${uid.length}`);
  else if (!uidExpression.test(uid)) check.invalid(path, step, uid, 'error validating uid: invalid UUID format');
  else if (uid !== uid.toLowerCase())
    check.invalid(
      path,
      step,
      uid,
      'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
    );
}

function checkAllocation(check: Check, path: Path, allocation: AllocationResult, names: RequestNames): void {
  const devices = at(path, 'devices');
  checkItems(check, at(devices, 'results'), allocation.devices?.results, resultsMax, (result, place) => {
    checkResult(check, place, result, names);
  });
  // Configuration comes from the class and from the claim, each with its own most.
  checkItems(check, at(devices, 'config'), allocation.devices?.config, 2 * configurationsMax, (config, place) => {
    checkAllocatedConfiguration(check, place, config, names);
  });
  if (allocation.nodeSelector) checkNodeSelector(check, at(path, 'nodeSelector'), allocation.nodeSelector);
}

function checkResult(check: Check, path: Path, result: DeviceRequestAllocationResult, names: RequestNames): void {
  checkRequestReference(check, at(path, 'request'), result.request ?? '', names);
  checkDriver(check, path, 'driver', result.driver ?? '');
  checkPoolName(check, path, 'pool', result.pool ?? '');
  check.dnsLabel(path, 'device', result.device ?? '');
  checkBindingConditions(check, path, result.bindingConditions, result.bindingFailureConditions);
  checkDeviceTolerations(check, at(path, 'tolerations'), result.tolerations);
  if (result.shareID !== undefined) checkUid(check, path, 'shareID', result.shareID);
}

function checkAllocatedConfiguration(
  check: Check,
  path: Path,
  config: DeviceAllocationConfiguration,
  names: RequestNames,
): void {
  check.requiredOneOf(path, 'source', config.source, ['FromClaim', 'FromClass']);
  checkSet(
    check,
    at(path, 'requests'),
    config.requests,
    requestsMax,
    (name, place) => checkRequestReference(check, place, name, names),
    (name) => name,
  );
  checkConfiguration(check, path, config.opaque);
}
