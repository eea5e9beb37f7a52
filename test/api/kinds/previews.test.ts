/** Kinds of several versions: what is written in one of them is read in it again, and nothing of what is stored is lost on the way. */
import { describe, expect, it } from 'vitest';
import {
  type ApiObject,
  createKindRegistry,
  decodeValue,
  enabledKinds,
  type KindDefinition,
  objectSchema,
  schemaOf,
  storedKindOf,
} from '../../../src/api/index.ts';
import { chanceOf, sampleObject } from '../protobuf/samples.ts';

const kinds = enabledKinds({ 'api/all': 'true' });
const registry = createKindRegistry(kinds);
const SAMPLES = 25;

const decode = (kind: KindDefinition, object: unknown): ApiObject => {
  const { group, version, kind: name, definition } = kind;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const expected = { group, version, kind: name, schema: schemaOf(definition) };
  return decodeValue({ ...(object as object), apiVersion, kind: name }, expected).object;
};
/** As it goes over the wire: members that are undefined are not there. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Members that mean something to the conversion itself; names that no Go map of upstream's could hold as they are. */
function sampleOf(kind: KindDefinition, chance: () => number): ApiObject {
  return decode(
    kind,
    sampleObject(objectSchema(kind.definition)!, chance, (_definition, field) => field !== 'annotations'),
  );
}

const converted = kinds.filter(
  ({ conversion, kind }) => conversion !== undefined && kind !== 'HorizontalPodAutoscaler',
);

describe('kinds of several versions', () => {
  it('are all there', () => {
    const versions = new Map<string, number>();
    for (const { group, plural } of kinds)
      versions.set(`${group}/${plural}`, (versions.get(`${group}/${plural}`) ?? 0) + 1);
    expect(
      [...versions]
        .filter(([, count]) => count > 1)
        .map(([name]) => name)
        .sort(),
    ).toEqual([
      'admissionregistration.k8s.io/mutatingadmissionpolicies',
      'admissionregistration.k8s.io/mutatingadmissionpolicybindings',
      'autoscaling/horizontalpodautoscalers',
      'certificates.k8s.io/clustertrustbundles',
      'coordination.k8s.io/leasecandidates',
      'networking.k8s.io/ipaddresses',
      'networking.k8s.io/servicecidrs',
      'resource.k8s.io/deviceclasses',
      'resource.k8s.io/devicetaintrules',
      'resource.k8s.io/resourceclaims',
      'resource.k8s.io/resourceclaimtemplates',
      'resource.k8s.io/resourceslices',
      'storage.k8s.io/volumeattributesclasses',
    ]);
    expect(converted.length).toBeGreaterThanOrEqual(18);
  });

  it.each(converted.map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind] as const))(
    '%s is stored and read again without loss',
    (_name, kind) => {
      const chance = chanceOf(7);
      const stored = storedKindOf(registry, kind);
      for (let count = 0; count < SAMPLES; count++) {
        const given = sampleOf(kind, chance);
        const kept = decode(stored, plain(kind.conversion!.toStored(given)));
        const again = decode(kind, plain(kind.conversion!.fromStored(kept)));
        expect(withoutEmptyParts(again)).toEqual(withoutEmptyParts(given));
      }
    },
  );

  it.each(converted.map((kind) => [`${kind.group}/${kind.version} ${kind.kind}`, kind] as const))(
    'what is stored comes back from %s as it was',
    (_name, kind) => {
      const chance = chanceOf(11);
      const stored = storedKindOf(registry, kind);
      for (let count = 0; count < SAMPLES; count++) {
        const kept = withoutEmptyParts(sampleOf(stored, chance));
        const shown = decode(kind, plain(kind.conversion!.fromStored(kept)));
        const again = decode(stored, plain(kind.conversion!.toStored(shown)));
        expect(plain(again)).toEqual(plain(kept));
      }
    },
  );

  it('says which versions are on their way out', () => {
    const warning = (version: string, kind: string) =>
      kinds.find((one) => one.version === version && one.kind === kind)?.deprecationWarning;
    expect(warning('v1beta1', 'ResourceClaim')).toBe(
      'resource.k8s.io/v1beta1 ResourceClaim is deprecated in v1.35+, unavailable in v1.38+',
    );
    expect(warning('v1', 'ResourceClaim')).toBeUndefined();
    expect(warning('v1alpha2', 'Workload')).toBeUndefined();
  });
});

/**
 * A part that is there and says nothing is to v1beta1 of resource.k8s.io what a part that is not there is to v1: a device without any
 * field, a request whose only field is the empty name of a class (which neither version takes).
 */
function withoutEmptyParts(object: ApiObject): ApiObject {
  const copy = plain(object) as ApiObject & { spec?: Parts & { spec?: Parts } };
  if (!copy.apiVersion.startsWith('resource.k8s.io/')) return copy;
  const isBeta = copy.apiVersion.endsWith('v1beta1');
  for (const spec of [copy.spec, copy.spec?.spec]) {
    if (spec === undefined) continue;
    if (spec.allNodes === false) delete spec.allNodes;
    if (spec.nodeName === '') delete spec.nodeName;
    if (Array.isArray(spec.devices)) {
      if (isBeta) for (const device of spec.devices) device.basic ??= {};
    } else {
      for (const request of spec.devices?.requests ?? [])
        if (JSON.stringify(request.exactly) === '{"deviceClassName":""}') delete request.exactly;
    }
  }
  return copy;
}

interface Parts {
  allNodes?: boolean;
  nodeName?: string;
  devices?: { basic?: object }[] | { requests?: { exactly?: object }[] | null } | null;
}
