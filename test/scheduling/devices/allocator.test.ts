/** Which devices serve a claim on a node. */
import { expect, test } from 'vitest';
import type {
  Device,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  ResourceClaim,
  ResourceSlice,
} from '../../../src/api/index.ts';
import {
  AllocatedDevices,
  DeviceAllocation,
  DeviceInventory,
  type SelectDevice,
} from '../../../src/scheduling/index.ts';
import { makeNode } from '../../support/scheduling.ts';

const driver = 'gpu.example.com';
const gpu: DeviceClass = { metadata: { name: 'gpu' }, spec: {} };

function slice(devices: Device[], spec: Partial<ResourceSlice['spec']> = {}): ResourceSlice {
  const pool = { name: 'p', generation: 1, resourceSliceCount: 1 };
  return { metadata: { name: `s-${spec.pool?.name ?? 'p'}` }, spec: { driver, nodeName: 'n', pool, devices, ...spec } };
}

let serial = 0;
function claim(requests: DeviceRequest[], constraints: DeviceConstraint[] = []): ResourceClaim {
  const uid = `claim-${serial++}`;
  return { metadata: { name: uid, namespace: 'd', uid }, spec: { devices: { requests, constraints } } };
}

const exactly = (name: string, more: Partial<NonNullable<DeviceRequest['exactly']>> = {}): DeviceRequest => ({
  name,
  exactly: { deviceClassName: 'gpu', ...more },
});

/** Selects by name: the expression is a device's name. */
const select: SelectDevice = (expression, { device }) => device.name === expression;

function world(slices: ResourceSlice[], classes: DeviceClass[] = [gpu]) {
  const allocated = new AllocatedDevices();
  const inventory = new DeviceInventory(() => slices);
  const byName = new Map(classes.map((one) => [one.metadata?.name ?? '', one]));
  const run = (claims: ResourceClaim[], node = makeNode('n')) =>
    new DeviceAllocation(
      { inventory, allocated, classOf: (name) => byName.get(name), select, shareId: () => 'share' },
      node,
      claims,
    ).run();
  return { allocated, run };
}

const chosen = (results: ReturnType<ReturnType<typeof world>['run']>) =>
  results?.map(({ devices }) => (devices?.results ?? []).map(({ request, device }) => `${request}=${device}`).join());

const attributes = (model: string) => ({ model: { string: model } });

test('as many devices as asked, none twice, and only on the node that has them', () => {
  const { run } = world([slice([{ name: 'a' }, { name: 'b' }, { name: 'c' }])]);
  expect(chosen(run([claim([exactly('r', { count: 2 }), exactly('s')])]))).toEqual(['r=a,r=b,s=c']);
  expect(chosen(run([claim([exactly('r', { count: 2 })]), claim([exactly('s')])]))).toEqual(['r=a,r=b', 's=c']);
  expect(run([claim([exactly('r', { count: 4 })])])).toBeUndefined();
  expect(run([claim([exactly('r')])], makeNode('elsewhere'))).toBeUndefined();
});

test('devices of other claims are taken, except for administrators', () => {
  const { allocated, run } = world([slice([{ name: 'a' }])]);
  allocated.assume('other', run([claim([exactly('r')])])![0]!);
  expect(run([claim([exactly('r')])])).toBeUndefined();
  expect(chosen(run([claim([exactly('r', { adminAccess: true })])]))).toEqual(['r=a']);
  allocated.forget('other');
  expect(chosen(run([claim([exactly('r')])]))).toEqual(['r=a']);
});

test('selectors of the request choose, and going back finds the only solution', () => {
  const { run } = world([slice([{ name: 'a' }, { name: 'b' }])]);
  const onlyA = { selectors: [{ cel: { expression: 'a' } }] };
  expect(chosen(run([claim([exactly('any'), exactly('a', onlyA)])]))).toEqual(['any=b,a=a']);
});

test('the first alternative that can be had', () => {
  const { run } = world([slice([{ name: 'a' }])]);
  const wanted: DeviceRequest = {
    name: 'r',
    firstAvailable: [
      { name: 'two', deviceClassName: 'gpu', count: 2 },
      { name: 'one', deviceClassName: 'gpu' },
    ],
  };
  expect(chosen(run([claim([wanted])]))).toEqual(['r/one=a']);
});

test('all devices of the node, or none', () => {
  const { allocated, run } = world([slice([{ name: 'a' }, { name: 'b' }])]);
  const all = exactly('r', { allocationMode: 'All' });
  expect(chosen(run([claim([all])]))).toEqual(['r=a,r=b']);
  allocated.assume('other', run([claim([exactly('r')])])![0]!);
  expect(run([claim([all])])).toBeUndefined();
  expect(world([]).run([claim([all])])).toBeUndefined();
});

test('all devices cannot be told while a pool is being updated', () => {
  const pool = { name: 'p', generation: 1, resourceSliceCount: 2 };
  const { run } = world([slice([{ name: 'a' }], { pool })]);
  expect(() => run([claim([exactly('r', { allocationMode: 'All' })])])).toThrow(
    /asks for all devices, but resource pool gpu.example.com\/p is currently being updated/,
  );
  expect(run([claim([exactly('r')])])).toBeUndefined();
});

test('only the newest generation of a pool counts', () => {
  const newer = { name: 'p', generation: 2, resourceSliceCount: 1 };
  const { run } = world([slice([{ name: 'old' }]), slice([{ name: 'new' }], { pool: newer })]);
  expect(chosen(run([claim([exactly('r')])]))).toEqual(['r=new']);
});

test('names that repeat make a pool invalid', () => {
  const { run } = world([slice([{ name: 'a' }, { name: 'a' }])]);
  expect(() => run([claim([exactly('r')])])).toThrow('invalid resource pools were encountered');
});

test('devices alike, or all different, by an attribute', () => {
  const { run } = world([
    slice([
      { name: 'a', attributes: attributes('x') },
      { name: 'b', attributes: attributes('y') },
      { name: 'c', attributes: attributes('x') },
      { name: 'd' },
    ]),
  ]);
  const two = [exactly('r', { count: 2 })];
  expect(chosen(run([claim(two, [{ matchAttribute: `${driver}/model` }])]))).toEqual(['r=a,r=c']);
  expect(chosen(run([claim(two, [{ distinctAttribute: `${driver}/model` }])]))).toEqual(['r=a,r=b']);
  expect(run([claim([exactly('r', { count: 3 })], [{ matchAttribute: `${driver}/model` }])])).toBeUndefined();
  expect(
    chosen(run([claim([exactly('r', { count: 3 })], [{ matchAttribute: `${driver}/model`, requests: ['s'] }])])),
  ).toEqual(['r=a,r=b,r=c']);
});

test('taints keep requests away that do not tolerate them', () => {
  const { run } = world([slice([{ name: 'a', taints: [{ key: 'sick', effect: 'NoSchedule' }] }])]);
  expect(run([claim([exactly('r')])])).toBeUndefined();
  const tolerations = [{ key: 'sick', operator: 'Exists' as const }];
  expect(run([claim([exactly('r', { tolerations })])])?.[0]?.devices?.results?.[0]?.tolerations).toEqual(tolerations);
});

test('devices share the counters of their pool', () => {
  const half = (name: string): Device => ({
    name,
    consumesCounters: [{ counterSet: 'card', counters: { memory: { value: '40Gi' } } }],
  });
  const { allocated, run } = world([
    slice([half('a'), half('b'), half('c')], {
      sharedCounters: [{ name: 'card', counters: { memory: { value: '80Gi' } } }],
    }),
  ]);
  expect(chosen(run([claim([exactly('r', { count: 2 })])]))).toEqual(['r=a,r=b']);
  expect(run([claim([exactly('r', { count: 3 })])])).toBeUndefined();
  allocated.assume('other', run([claim([exactly('r')])])![0]!);
  expect(chosen(run([claim([exactly('r')])]))).toEqual(['r=b']);
  expect(run([claim([exactly('r', { count: 2 })])])).toBeUndefined();
});

test('capacity is shared out in the steps that the device allows', () => {
  const { allocated, run } = world([
    slice([
      {
        name: 'nic',
        allowMultipleAllocations: true,
        capacity: {
          bandwidth: {
            value: '10G',
            requestPolicy: { default: '1G', validRange: { min: '1G', step: '2G', max: '9G' } },
          },
        },
      },
    ]),
  ]);
  const asks = (bandwidth: string) => claim([exactly('r', { capacity: { requests: { bandwidth } } })]);
  const first = run([asks('4G')])?.[0]?.devices?.results?.[0];
  expect(first).toMatchObject({ device: 'nic', shareID: 'share', consumedCapacity: { bandwidth: '5G' } });
  allocated.assume('other', run([asks('4G')])![0]!);
  expect(run([asks('4G')])?.[0]?.devices?.results?.[0]?.consumedCapacity).toEqual({ bandwidth: '5G' });
  expect(run([asks('6G')])).toBeUndefined();
  expect(run([asks('11G')])).toBeUndefined();
  expect(run([claim([exactly('r', { capacity: { requests: { colour: '1' } } })])])).toBeUndefined();
});

test('what drivers are told: of the class for its requests, of the claim, and of nobody when it means all', () => {
  const opaque = (parameters: string) => ({ opaque: { driver, parameters: { parameters } } });
  const { run } = world(
    [slice([{ name: 'a' }, { name: 'b' }])],
    [
      { ...gpu, spec: { config: [opaque('class')] } },
      { metadata: { name: 'plain' }, spec: {} },
    ],
  );
  const mixed = claim([exactly('r'), { name: 's', exactly: { deviceClassName: 'plain' } }]);
  mixed.spec.devices!.config = [{ requests: ['s'], ...opaque('claim') }, opaque('everyone')];
  expect(run([mixed])?.[0]?.devices?.config).toEqual([
    { source: 'FromClass', requests: ['r'], ...opaque('class') },
    { source: 'FromClaim', requests: ['s'], ...opaque('claim') },
    { source: 'FromClaim', ...opaque('everyone') },
  ]);
});

test('an allocation is usable where its devices are', () => {
  const inZone = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }] };
  const shared = (more: Partial<ResourceSlice['spec']>) => {
    const { nodeName: _nodeName, ...rest } = slice([{ name: 'a' }]).spec;
    return world([{ metadata: { name: 's' }, spec: { ...rest, ...more } }]);
  };
  const request = [claim([exactly('r')])];
  expect(world([slice([{ name: 'a' }])]).run(request)?.[0]?.nodeSelector).toEqual({
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n'] }] }],
  });
  expect(shared({ allNodes: true }).run(request)?.[0]?.nodeSelector).toBeUndefined();
  expect(shared({ nodeSelector: inZone }).run(request, makeNode('n', { zone: 'a' }))?.[0]?.nodeSelector).toEqual(
    inZone,
  );
  expect(shared({ nodeSelector: inZone }).run(request, makeNode('n', { zone: 'b' }))).toBeUndefined();
  const perDevice = {
    perDeviceNodeSelection: true,
    devices: [
      { name: 'a', nodeName: 'n' },
      { name: 'b', nodeName: 'm' },
    ],
  };
  expect(chosen(shared(perDevice).run(request, makeNode('m')))).toEqual(['r=b']);
});

test('more devices than a claim can hold', () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ name: `d${i}` }));
  const { run } = world([slice(many)]);
  expect(() => run([claim([exactly('r', { count: 33 })])])).toThrow(/exceeds the claim limit of 32/);
  const either: DeviceRequest = {
    name: 'r',
    firstAvailable: [
      { name: 'many', deviceClassName: 'gpu', count: 32 },
      { name: 'few', deviceClassName: 'gpu', count: 2 },
    ],
  };
  expect(chosen(run([claim([either, exactly('s')])]))?.[0]).toMatch(/^r\/few=/);
});
