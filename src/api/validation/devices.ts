/**
 * What the kinds of dynamic resource allocation have in common: names of drivers, pools and attributes, selectors, configuration, taints
 * and tolerations, and lists with a most.
 * @see pkg/apis/resource/validation/validation.go
 */
import type { DeviceSelector, DeviceTaint, DeviceToleration, OpaqueDeviceConfiguration } from '../generated/types.ts';
import { validateCIdentifier } from '../names.ts';
import { at, type Check, keyed, type Path, type Step } from './check.ts';
import { checkExpression } from './expressions.ts';
import { checkCsiDriverName } from './volume-sources.ts';

/** Of a pool's name, in bytes. */
const poolNameMax = 253;
const identifierMax = 32;
/** Of opaque parameters and of a device's status data, in bytes of JSON. */
const rawBytesMax = 10 * 1024;
export const selectorsMax = 32;
export const configurationsMax = 32;
const conditionsMax = 4;
export const tolerationsMax = 16;

/** Drivers are named as those of CSI. */
export const checkDriver = checkCsiDriverName;

/** Each item by its own check, unless there are too many; then that is all that is said. */
export function checkItems<Item>(
  check: Check,
  path: Path,
  items: readonly Item[] | undefined,
  countMax: number,
  item: (item: Item, place: Path) => void,
): boolean {
  // A list that upstream always prints is null when there is none.
  if (!items) return true;
  if (items.length > countMax) {
    check.tooMany(path, '', items.length, countMax);
    return false;
  }
  items.forEach((one, index) => {
    item(one, at(path, index));
  });
  return true;
}

/** As {@link checkItems}, and no key twice. */
export function checkSet<Item>(
  check: Check,
  path: Path,
  items: readonly Item[] | undefined,
  countMax: number,
  item: (item: Item, place: Path) => void,
  keyOf: (item: Item) => unknown,
): void {
  if (!items || !checkItems(check, path, items, countMax, item)) return;
  const seen = new Set<string>();
  items.forEach((one, index) => {
    const key = keyOf(one);
    const text = typeof key === 'string' ? key : JSON.stringify(key);
    if (seen.has(text)) check.duplicate(path, index, key);
    seen.add(text);
  });
}

/** A map's keys and entries; keys are named at the map, entries at their key. */
export function checkEntries<Entry>(
  check: Check,
  path: Path,
  entries: Readonly<Record<string, Entry>> | undefined,
  countMax: number,
  key: (key: string) => void,
  entry: (entry: Entry, place: Path) => void,
  keyBytesMax = 63,
): void {
  if (!entries) return;
  const keys = Object.keys(entries);
  if (keys.length > countMax) {
    check.tooMany(path, '', keys.length, countMax);
    return;
  }
  for (const name of keys) {
    key(name);
    entry(entries[name] as Entry, keyed(path, shortened(name, keyBytesMax)));
  }
}

function shortened(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const rest = lengthMax - 3;
  return `${text.slice(0, Math.ceil(rest / 2))}...${text.slice(text.length - Math.floor(rest / 2))}`;
}

/** Subdomains with slashes between. */
export function checkPoolName(check: Check, path: Path, step: Step, name: string): void {
  if (name === '') {
    check.required(path, step);
    return;
  }
  if (name.length > poolNameMax) check.tooLong(path, step, poolNameMax);
  for (const part of name.split('/')) check.dnsSubdomain(path, step, part);
}

function checkIdentifier(check: Check, path: Path, identifier: string): void {
  if (identifier.length > identifierMax) check.tooLong(path, '', identifierMax);
  check.all(path, '', identifier, validateCIdentifier(identifier));
}

/** A C identifier, alone or after a driver's domain and a slash. */
export function checkQualifiedAttribute(check: Check, path: Path, name: string): void {
  const parts = name.split('/');
  if (parts.length > 2) {
    check.invalid(path, '', name, 'must not contain more than one slash');
    return;
  }
  const [first = '', second] = parts;
  if (second === undefined) {
    checkIdentifier(check, path, first);
    return;
  }
  if (first === '') check.invalid(path, '', '', 'the domain must not be empty');
  else checkDriver(check, path, '', first);
  if (second === '') check.invalid(path, '', '', 'the name must not be empty');
  else checkIdentifier(check, path, second);
}

export function checkFullAttribute(check: Check, path: Path, name: string): void {
  checkQualifiedAttribute(check, path, name);
  if (!name.includes('/'))
    check.invalid(path, '', name, 'a fully qualified name must be a domain and a name separated by a slash');
}

/** `stored`: the same selectors were accepted before. */
export function checkSelectors(
  check: Check,
  path: Path,
  selectors: readonly DeviceSelector[] | undefined,
  stored = false,
): void {
  checkItems(check, path, selectors, selectorsMax, ({ cel }, place) => {
    if (!cel) check.required(place, 'cel');
    else
      checkExpression(check, at(place, 'cel'), 'expression', cel.expression ?? '', { use: 'deviceSelector', stored });
  });
}

export function checkConfiguration(
  check: Check,
  path: Path,
  opaque: Partial<OpaqueDeviceConfiguration> | undefined,
  stored = false,
): void {
  if (!opaque) {
    check.required(path, 'opaque');
    return;
  }
  const place = at(path, 'opaque');
  checkDriver(check, place, 'driver', opaque.driver ?? '');
  checkRawObject(check, at(place, 'parameters'), opaque.parameters, stored);
}

/** JSON that the server does not look into, but that has to be an object of bearable size. */
export function checkRawObject(check: Check, path: Path, value: unknown, stored: boolean): void {
  if (value === undefined || value === null) check.required(path, '');
  else if (!stored && Buffer.byteLength(JSON.stringify(value)) > rawBytesMax) check.tooLong(path, '', rawBytesMax);
  else if (typeof value !== 'object' || Array.isArray(value))
    check.invalid(path, '', '<value omitted>', 'must be a valid JSON object');
}

const effects: readonly string[] = ['NoExecute', 'NoSchedule', 'None'];

export function checkTaint(check: Check, path: Path, taint: Partial<DeviceTaint>): void {
  check.qualifiedName(path, 'key', taint.key ?? '');
  if (taint.value) check.labelValue(path, 'value', taint.value);
  check.requiredOneOf(path, 'effect', taint.effect, effects);
}

export function checkDeviceTolerations(
  check: Check,
  path: Path,
  tolerations: readonly DeviceToleration[] | undefined,
): void {
  checkItems(check, path, tolerations, tolerationsMax, ({ key, operator, value = '', effect }, place) => {
    if (key) check.qualifiedName(place, 'key', key);
    if (operator === 'Exists') {
      if (value !== '') check.invalid(place, 'value', value, 'must be empty for operator `Exists`');
    } else if (operator === 'Equal') check.labelValue(place, 'value', value);
    else check.requiredOneOf(place, 'operator', operator, ['Equal', 'Exists']);
    if (effect) check.oneOf(place, 'effect', effect, effects);
  });
}

/** Conditions that binding waits for, and those that end it: both or neither, and none in both. */
export function checkBindingConditions(
  check: Check,
  path: Path,
  awaited: readonly string[] = [],
  failing: readonly string[] = [],
): void {
  for (const [step, names] of [
    ['bindingConditions', awaited],
    ['bindingFailureConditions', failing],
  ] as const) {
    checkItems(check, at(path, step), names, conditionsMax, (name, place) => {
      check.qualifiedName(place, '', name);
    });
  }
  awaited.forEach((name, index) => {
    if (awaited.indexOf(name) < index) check.duplicate(at(path, 'bindingConditions'), index, name);
  });
  failing.forEach((name, index) => {
    const place = at(path, 'bindingFailureConditions');
    if (failing.indexOf(name) < index) check.duplicate(place, index, name);
    if (awaited.includes(name))
      check.invalid(place, index, name, 'bindingFailureConditions must not overlap with bindingConditions');
  });
  if (awaited.length === 0 && failing.length > 0)
    check.invalid(path, 'bindingConditions', null, 'bindingConditions are required to use bindingFailureConditions');
  if (failing.length === 0 && awaited.length > 0)
    check.invalid(
      path,
      'bindingFailureConditions',
      null,
      'bindingFailureConditions are required to use bindingConditions',
    );
}
