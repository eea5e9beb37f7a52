/**
 * What the API server is measured by: pods created, read and listed, watched by many, objects applied, kinds defined. Each
 * workload says what is sent over HTTP, what does the same over the bus, and how many objects the store must hold afterwards.
 */
import type { Client } from '../../src/client/index.ts';
import { customResourceDefinitions, deployments, pods } from '../../src/client/resources.ts';
import type { RequestTemplate } from './traffic.ts';

export interface Sizes {
  readonly pods: number;
  readonly gets: number;
  readonly lists: number;
  readonly watchers: number;
  readonly events: number;
  readonly applies: number;
  readonly definitions: number;
  /** Requests under way at a time. */
  readonly connections: number;
}

export const fullSizes: Sizes = {
  pods: 10_000,
  gets: 20_000,
  lists: 8,
  watchers: 1000,
  events: 50,
  applies: 2000,
  definitions: 50,
  connections: 50,
};

export const namespace = 'bench';
/** Where nothing is but what watchers are to hear of. */
export const watchedNamespace = 'bench-watched';

export interface RequestWorkload {
  readonly name: string;
  readonly requests: (sizes: Sizes) => number;
  /** Of so many objects; omitted: each request is about another. */
  readonly distinct?: (sizes: Sizes) => number;
  /** Requests under way at a time. */
  readonly width: (sizes: Sizes) => number;
  readonly http: (sizes: Sizes) => RequestTemplate;
  /** Omitted where the bus knows no such thing. Resolves with whether the answer was right. */
  readonly bus?: (client: Client, n: number, i: number, sizes: Sizes) => Promise<boolean>;
  /** Brought about before the measurement, over the bus. */
  readonly prepare?: (client: Client, n: number) => Promise<unknown>;
  /** Under which keys the store is to hold how many objects afterwards. */
  readonly stored?: { readonly prefix: string; readonly count: (sizes: Sizes) => number };
  /** Part of the work that the answers do not wait for: resolves with how much of it is done. */
  readonly finished?: (client: Client) => Promise<number>;
}

export const pod = (name: string, inNamespace = namespace) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: inNamespace, labels: { app: 'bench', tier: 'api' } },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'registry.k8s.io/pause:3.10',
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: '100m', memory: '500Mi' }, requests: { cpu: '100m', memory: '500Mi' } },
      },
    ],
  },
});

const deployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace, labels: { app: name } },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: pod('').spec },
  },
});

const definition = (name: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${name}s.bench.example.com` },
  spec: {
    group: 'bench.example.com',
    scope: 'Namespaced',
    names: { plural: `${name}s`, singular: name, kind: `${name[0]?.toUpperCase()}${name.slice(1)}` },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 0 },
                  parts: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
                },
              },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
});

const podsPath = `/api/v1/namespaces/${namespace}/pods`;
const one = () => 1;

/** A list of all pods in a form; every pod's name must be in it. */
const listOfPods = (name: string, accept: string, expect: string): RequestWorkload => ({
  name,
  requests: ({ lists }) => lists,
  width: one,
  http: ({ pods: times }) => ({ method: 'GET', path: podsPath, accept, expect, times }),
});

export const requestWorkloads: readonly RequestWorkload[] = [
  {
    name: 'CreatePods',
    requests: (sizes) => sizes.pods,
    width: ({ connections }) => connections,
    http: () => ({
      method: 'POST',
      path: podsPath,
      body: JSON.stringify(pod('pod-{n}')),
      contentType: 'application/json',
      expect: '"name":"pod-{n}"',
    }),
    bus: async (client, n) => (await client.create(pods, pod(`pod-${n}`) as never)).metadata?.uid !== undefined,
    stored: { prefix: `/registry/pods/${namespace}/`, count: (sizes) => sizes.pods },
  },
  {
    name: 'GetPods',
    requests: ({ gets }) => gets,
    distinct: (sizes) => sizes.pods,
    width: ({ connections }) => connections,
    http: () => ({ method: 'GET', path: `${podsPath}/pod-{n}`, expect: '"name":"pod-{n}"' }),
    bus: async (client, n) => (await client.get(pods, { namespace, name: `pod-${n}` })).metadata?.name === `pod-${n}`,
  },
  {
    ...listOfPods('ListPods', 'application/json', '"name":"pod-'),
    bus: async (client, _n, _i, sizes) => (await client.list(pods, { namespace })).items.length === sizes.pods,
  },
  listOfPods('ListPodsAsTable', 'application/json;as=Table;v=v1;g=meta.k8s.io', '"name":"pod-'),
  listOfPods('ListPodsAsProtobuf', 'application/vnd.kubernetes.protobuf', 'pod-'),
  {
    name: 'ApplyDeployments',
    requests: ({ applies }) => applies,
    distinct: ({ applies }) => Math.ceil(applies / 4),
    width: ({ connections }) => connections,
    http: () => ({
      method: 'PATCH',
      path: `/apis/apps/v1/namespaces/${namespace}/deployments/web-{n}?fieldManager=bench&force=true`,
      body: JSON.stringify(deployment('web-{n}', 0)).replace('"replicas":0', '"replicas":{i}'),
      contentType: 'application/apply-patch+yaml',
      expect: '"name":"web-{n}"',
    }),
    bus: async (client, n, i) => {
      const key = { namespace, name: `web-${n}` };
      const options = { fieldManager: 'bench', force: true };
      const applied = await client.patch(deployments, key, 'apply', deployment(`web-${n}`, i), options);
      return applied.metadata?.name === `web-${n}`;
    },
    // What is measured changes what is there.
    prepare: (client, n) =>
      client.patch(deployments, { namespace, name: `web-${n}` }, 'apply', deployment(`web-${n}`, 100_000), {
        fieldManager: 'bench',
      }),
    stored: { prefix: `/registry/deployments/${namespace}/`, count: ({ applies }) => Math.ceil(applies / 4) },
  },
  {
    name: 'CreateDefinitions',
    requests: ({ definitions }) => definitions,
    width: ({ connections }) => Math.min(10, connections),
    http: () => ({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: JSON.stringify(definition('thing{n}')),
      contentType: 'application/json',
      expect: '"name":"thing{n}s.bench.example.com"',
    }),
    bus: async (client, n) =>
      (await client.create(customResourceDefinitions, definition(`thing${n}`) as never)).metadata?.uid !== undefined,
    stored: {
      prefix: '/registry/apiextensions.k8s.io/customresourcedefinitions/',
      count: ({ definitions }) => definitions,
    },
    async finished(client) {
      const { items } = await client.list(customResourceDefinitions);
      return items.filter(({ status }) =>
        (status as { conditions?: { type: string; status: string }[] } | undefined)?.conditions?.some(
          ({ type, status: value }) => type === 'Established' && value === 'True',
        ),
      ).length;
    },
  },
];
