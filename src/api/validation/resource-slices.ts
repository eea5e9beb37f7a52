/**
 * ResourceSlices: the devices that a driver offers, and the counters that devices share.
 * @see pkg/apis/resource/validation/validation.go validateResourceSliceSpec
 */
import { fieldPath } from '../field-errors.ts';
import type {
  Device,
  DeviceAttribute,
  NodeSelector,
  ResourcePool,
  ResourceSlice,
  ResourceSliceSpec,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { checkNodeSelector } from './affinity.ts';
import { at, type Check, collect, notPositive, type Path } from './check.ts';
import { checkCapacity } from './device-capacity.ts';
import {
  checkBindingConditions,
  checkDriver,
  checkEntries,
  checkItems,
  checkPoolName,
  checkQualifiedAttribute,
  checkSet,
  checkTaint,
} from './devices.ts';
import { checkStandardFinalizers } from './metadata.ts';

const specPath = fieldPath('spec');
const devicesMax = 128;
/** Where a device has taints, consumes counters or has lists of values. */
const elaborateDevicesMax = 64;
const counterSetsMax = 8;
const countersMax = 32;
const consumptionsMax = 2;
const taintsMax = 16;
const attributesMax = 32;
const valuesMax = 48;
const attributeBytesMax = 64;
/** A domain, a slash and an identifier. */
const keyBytesMax = 63 + 1 + 32;
const onlyOne = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
const onlyOneOfDevice =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';

function checkSlice(check: Check, spec: Partial<ResourceSliceSpec>, before: ResourceSliceSpec | undefined): void {
  checkDriver(check, specPath, 'driver', spec.driver ?? '');
  checkPool(check, at(specPath, 'pool'), spec.pool ?? {});
  if (before !== undefined) {
    check.unchanged(at(specPath, 'pool'), 'name', spec.pool?.name ?? '', spec.pool?.name === before.pool?.name);
    check.unchanged(specPath, 'driver', spec.driver ?? '', spec.driver === before.driver);
    check.unchanged(specPath, 'nodeName', spec.nodeName, spec.nodeName === before.nodeName);
  }
  checkReach(check, spec);
  if (spec.sharedCounters && spec.devices)
    check.invalid(specPath, '', '', 'only one of `sharedCounters` or `devices` is allowed');
  const most = spec.devices?.some(isElaborate) ? elaborateDevicesMax : devicesMax;
  checkSet(
    check,
    at(specPath, 'devices'),
    spec.devices,
    most,
    (device, place) => {
      const old = before?.devices?.find(({ name }) => name === device.name);
      checkDevice(check, place, device, old, spec.perDeviceNodeSelection === true);
    },
    (device) => device.name ?? '',
  );
  checkSet(
    check,
    at(specPath, 'sharedCounters'),
    spec.sharedCounters,
    counterSetsMax,
    (set, place) => checkCounters(check, place, 'name', set.name, set.counters),
    (set) => set.name ?? '',
  );
}

function checkPool(check: Check, path: Path, pool: Partial<ResourcePool>): void {
  const { name = '', resourceSliceCount = 0, generation = 0 } = pool;
  checkPoolName(check, path, 'name', name);
  if (resourceSliceCount <= 0) check.invalid(path, 'resourceSliceCount', resourceSliceCount, notPositive);
  if (generation < 0) check.invalid(path, 'generation', generation, 'must be greater than or equal to zero');
}

/** Which nodes reach the devices: one way of saying it. */
function checkReach(check: Check, spec: Partial<ResourceSliceSpec>): void {
  const { nodeName, nodeSelector, allNodes, perDeviceNodeSelection } = spec;
  const ways: string[] = [];
  if (nodeName === '') check.invalid(specPath, 'nodeName', '', 'must be either unset or set to a non-empty string');
  else if (nodeName !== undefined) {
    ways.push('`nodeName`');
    check.dnsSubdomain(specPath, 'nodeName', nodeName);
  }
  if (nodeSelector) {
    ways.push('`nodeSelector`');
    checkSelector(check, specPath, nodeSelector);
    const terms = nodeSelector.nodeSelectorTerms ?? [];
    if (terms.length !== 1)
      check.invalid(
        at(specPath, 'nodeSelector'),
        'nodeSelectorTerms',
        terms,
        'must have exactly one node selector term',
      );
  }
  for (const [field, value] of [
    ['allNodes', allNodes],
    ['perDeviceNodeSelection', perDeviceNodeSelection],
  ] as const) {
    if (value === true) ways.push(`\`${field}\``);
    else if (value === false) check.invalid(specPath, field, value, 'must be either unset or set to true');
  }
  if (ways.length === 0) check.required(specPath, '', onlyOne);
  if (ways.length > 1) check.invalid(specPath, '', `{${ways.join(', ')}}`, `${onlyOne}, but multiple fields are set`);
}

function checkSelector(check: Check, path: Path, selector: NodeSelector): void {
  checkNodeSelector(check, at(path, 'nodeSelector'), selector);
}

const lists = ['bools', 'ints', 'strings', 'versions'] as const;

function isElaborate(device: Device): boolean {
  if ((device.taints?.length ?? 0) > 0 || (device.consumesCounters?.length ?? 0) > 0) return true;
  return Object.values(device.attributes ?? {}).some((attribute) =>
    lists.some((field) => attribute[field] !== undefined),
  );
}

function checkDevice(check: Check, path: Path, device: Device, old: Device | undefined, chooses: boolean): void {
  check.dnsLabel(path, 'name', device.name ?? '');
  checkAttributes(check, path, device);
  if (old === undefined || !semanticEqual(old.capacity, device.capacity)) {
    const place = at(path, 'capacity');
    checkEntries(
      check,
      place,
      device.capacity,
      Number.POSITIVE_INFINITY,
      (name) => checkQualifiedAttribute(check, place, name),
      (capacity, entry) => checkCapacity(check, entry, capacity, device.allowMultipleAllocations === true),
      keyBytesMax,
    );
  }
  if (old === undefined || !semanticEqual(old.taints, device.taints))
    checkItems(check, at(path, 'taints'), device.taints, taintsMax, (taint, place) => checkTaint(check, place, taint));
  checkSet(
    check,
    at(path, 'consumesCounters'),
    device.consumesCounters,
    consumptionsMax,
    (consumption, place) => checkCounters(check, place, 'counterSet', consumption.counterSet, consumption.counters),
    (consumption) => consumption.counterSet ?? '',
  );
  checkDeviceReach(check, path, device, chooses);
  checkBindingConditions(check, path, device.bindingConditions, device.bindingFailureConditions);
}

function checkAttributes(check: Check, path: Path, device: Device): void {
  const attributes = Object.values(device.attributes ?? {});
  const count = attributes.length + Object.keys(device.capacity ?? {}).length;
  if (count > attributesMax)
    check.invalid(path, '', count, `the total number of attributes and capacities must not exceed ${attributesMax}`);
  let values = 0;
  for (const attribute of attributes) {
    const listed = lists.reduce((sum, field) => sum + (attribute[field]?.length ?? 0), 0);
    values += listed === 0 ? 1 : listed;
  }
  if (values > valuesMax)
    check.invalid(path, '', values, `the total number of attribute values must not exceed ${valuesMax}`);
  const place = at(path, 'attributes');
  checkEntries(
    check,
    place,
    device.attributes,
    Number.POSITIVE_INFINITY,
    (name) => checkQualifiedAttribute(check, place, name),
    (attribute, entry) => checkAttribute(check, entry, attribute),
    keyBytesMax,
  );
}

const identifier = '(0|[1-9]\\d*)';
const prerelease = '(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const build = '[0-9a-zA-Z-]+';
const semanticVersion = new RegExp(
  `^${identifier}\\.${identifier}\\.${identifier}(-${prerelease}(\\.${prerelease})*)?(\\+${build}(\\.${build})*)?$`,
);

function checkAttribute(check: Check, path: Path, attribute: DeviceAttribute): void {
  let values = 0;
  for (const field of ['bool', 'int', 'string', 'version'] as const) {
    const value = attribute[field];
    if (value === undefined) continue;
    values += 1;
    if (field === 'string') checkText(check, at(path, field), value as string);
    if (field === 'version') checkVersion(check, at(path, field), value as string);
  }
  for (const field of lists) {
    const list = attribute[field];
    if (list === undefined) continue;
    values += 1;
    if (list.length === 0) check.invalid(path, field, list, 'must not be empty if specified');
    list.forEach((value, index) => {
      const place = at(at(path, field), index);
      if (field === 'strings') checkText(check, place, value as string);
      if (field === 'versions') checkVersion(check, place, value as string);
    });
  }
  if (values === 0) check.invalid(path, '', '', 'exactly one value must be specified');
  if (values > 1) check.invalid(path, '', attribute, 'exactly one value must be specified');
}

function checkText(check: Check, path: Path, text: string): void {
  if (Buffer.byteLength(text) > attributeBytesMax) check.tooLong(path, '', attributeBytesMax);
}

function checkVersion(check: Check, path: Path, text: string): void {
  if (!semanticVersion.test(text))
    check.invalid(path, '', text, 'must be a string compatible with semver.org spec 2.0.0');
  checkText(check, path, text);
}

function checkCounters(
  check: Check,
  path: Path,
  nameField: string,
  name: string | undefined,
  counters: Readonly<Record<string, unknown>> | undefined,
): void {
  if (!name) check.required(path, nameField);
  else check.dnsLabel(path, nameField, name);
  const place = at(path, 'counters');
  if (Object.keys(counters ?? {}).length === 0) check.required(place, '');
  else
    checkEntries(
      check,
      place,
      counters,
      countersMax,
      (key) => check.dnsLabel(place, '', key),
      () => undefined,
    );
}

function checkDeviceReach(check: Check, path: Path, device: Device, chooses: boolean): void {
  const { nodeName, nodeSelector, allNodes } = device;
  if (!chooses) {
    if (nodeName !== undefined || nodeSelector || allNodes !== undefined)
      check.invalid(
        path,
        '',
        undefined,
        '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      );
    return;
  }
  const ways: string[] = [];
  if (nodeName === '') check.invalid(path, 'nodeName', '', 'must not be empty');
  else if (nodeName !== undefined) {
    ways.push('`nodeName`');
    check.dnsSubdomain(path, 'nodeName', nodeName);
  }
  if (nodeSelector) {
    ways.push('`nodeSelector`');
    checkSelector(check, path, nodeSelector);
  }
  if (allNodes === true) ways.push('`allNodes`');
  else if (allNodes === false) check.invalid(path, 'allNodes', false, 'must be either unset or set to true');
  if (ways.length === 0) check.required(path, '', onlyOneOfDevice);
  if (ways.length > 1) check.invalid(path, '', `{${ways.join(', ')}}`, onlyOneOfDevice);
}

export const resourceSliceValidation = strategyOf<ResourceSlice>({
  validate: (slice: ResourceSlice) =>
    collect((check) => {
      checkStandardFinalizers(check, slice.metadata);
      checkSlice(check, slice.spec ?? {}, undefined);
    }),
  validateUpdate: (slice: ResourceSlice, previous: ResourceSlice) =>
    collect((check) => checkSlice(check, slice.spec ?? {}, previous.spec)),
});
