/**
 * Selectors of devices: `device.driver == 'gpu.example.com' && device.attributes['gpu.example.com'].memory > 10`.
 * @see k8s.io/dynamic-resource-allocation/cel/compile.go
 */
import { structOf } from './admission-environment.ts';
import type { Environment } from './environment.ts';
import { quantityValueOf, semverValueOf } from './library-kubernetes.ts';
import { failureOf } from './program.ts';
import { compileCached } from './program-cache.ts';
import { CelCompileError } from './source.ts';
import { boolType, dynType, mapOf, opaque, stringType } from './types.ts';
import { CelMap, ValueList } from './values.ts';

/** What one selector may cost for one device, and how long it may be. */
export const SELECTOR_COST_MAX = 1_000_000;
export const SELECTOR_LENGTH_MAX = 10 * 1024;

export interface DeviceAttribute {
  readonly int?: number;
  readonly bool?: boolean;
  readonly string?: string;
  readonly version?: string;
  readonly ints?: readonly number[];
  readonly bools?: readonly boolean[];
  readonly strings?: readonly string[];
  readonly versions?: readonly string[];
}

/** A device as ResourceSlices have it; names without a domain belong to the driver's. */
export interface SelectableDevice {
  readonly driver: string;
  readonly attributes?: Readonly<Record<string, DeviceAttribute>>;
  readonly capacity?: Readonly<Record<string, { readonly value: string }>>;
  readonly allowMultipleAllocations?: boolean;
}

export interface DeviceSelector {
  /** Whether the device is selected, or why that cannot be said. */
  matches(device: SelectableDevice): boolean | { readonly error: string };
  /** The estimate of the most that it costs. */
  readonly costMax: number;
}

const environment: Environment = {
  variables: {
    device: structOf('kubernetes.DRADevice', {
      driver: stringType,
      attributes: mapOf(stringType, mapOf(stringType, dynType)),
      capacity: mapOf(stringType, mapOf(stringType, opaque('kubernetes.Quantity'))),
      allowMultipleAllocations: boolType,
    }),
  },
};

/** A compiled selector, or why the expression is none. */
export function compileDeviceSelector(expression: string): DeviceSelector | { readonly error: string } {
  try {
    const program = compileCached(expression, environment);
    if (program.type.kind !== 'bool' && program.type.kind !== 'dyn')
      return { error: 'must evaluate to bool or the unknown type' };
    return {
      get costMax() {
        return program.costMax;
      },
      matches(device) {
        const evaluation = program.evaluate({ device: new DeviceValue(device) }, SELECTOR_COST_MAX);
        const failure = failureOf(evaluation);
        if (failure !== undefined) return { error: failure.message };
        if (typeof evaluation.value === 'boolean') return evaluation.value;
        return { error: `CEL result of type ${typeof evaluation.value} could not be converted to bool` };
      },
    };
  } catch (error) {
    if (error instanceof CelCompileError) return { error: `compilation failed: ${error.message}` };
    throw error;
  }
}

class DeviceValue extends CelMap {
  readonly size = 4;
  readonly #device: SelectableDevice;

  constructor(device: SelectableDevice) {
    super();
    this.#device = device;
  }

  override get(key: unknown): unknown {
    const { driver, attributes = {}, capacity = {}, allowMultipleAllocations = false } = this.#device;
    switch (key) {
      case 'driver':
        return driver;
      case 'allowMultipleAllocations':
        return allowMultipleAllocations;
      case 'attributes':
        return new DomainsValue(driver, attributes, attributeValue);
      case 'capacity':
        return new DomainsValue(driver, capacity, ({ value }) => quantityValueOf(value));
      default:
        return undefined;
    }
  }

  override keys(): Iterable<unknown> {
    return ['driver', 'attributes', 'capacity', 'allowMultipleAllocations'];
  }
}

function attributeValue(attribute: DeviceAttribute): unknown {
  const { int, bool, string, version, ints, bools, strings, versions } = attribute;
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version !== undefined) return semverValueOf(version);
  if (ints !== undefined) return new ValueList(ints.map(BigInt));
  return new ValueList(bools ?? strings ?? versions?.map((text) => semverValueOf(text)) ?? []);
}

/** By domain; a domain that the device does not have is an empty map, so that only its names are missing. */
class DomainsValue<Member> extends CelMap {
  readonly #driver: string;
  readonly #members: Readonly<Record<string, Member>>;
  readonly #read: (member: Member) => unknown;

  constructor(driver: string, members: Readonly<Record<string, Member>>, read: (member: Member) => unknown) {
    super();
    this.#driver = driver;
    this.#members = members;
    this.#read = read;
  }

  get size(): number {
    return [...this.keys()].length;
  }

  override get(key: unknown): unknown {
    return new DomainValue(key === this.#driver, `${String(key)}/`, this.#members, this.#read);
  }

  override keys(): Iterable<unknown> {
    return new Set(Object.keys(this.#members).map((name) => (name.includes('/') ? name.split('/')[0] : this.#driver)));
  }
}

class DomainValue<Member> extends CelMap {
  readonly #own: boolean;
  readonly #prefix: string;
  readonly #members: Readonly<Record<string, Member>>;
  readonly #read: (member: Member) => unknown;

  constructor(
    own: boolean,
    prefix: string,
    members: Readonly<Record<string, Member>>,
    read: (member: Member) => unknown,
  ) {
    super();
    this.#own = own;
    this.#prefix = prefix;
    this.#members = members;
    this.#read = read;
  }

  get size(): number {
    return [...this.keys()].length;
  }

  override get(key: unknown): unknown {
    const name = String(key);
    const qualified = this.#prefix + name;
    if (Object.hasOwn(this.#members, qualified)) return this.#read(this.#members[qualified] as Member);
    if (this.#own && Object.hasOwn(this.#members, name)) return this.#read(this.#members[name] as Member);
    return undefined;
  }

  override *keys(): Iterable<unknown> {
    for (const name in this.#members) {
      if (name.startsWith(this.#prefix)) yield name.slice(this.#prefix.length);
      else if (this.#own && !name.includes('/')) yield name;
    }
  }
}
