/**
 * What a kubelet answers on its own HTTP port, which the API server's `nodes/proxy` leads to: health, configuration, pods, usage
 * and metrics. @see pkg/kubelet/server/server.go, staging/src/k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { formatTime } from '../api/index.ts';
import type { ContainerRecord } from './container-record.ts';
import { kubeletVersion } from './node-object.ts';
import type { BoundPod } from './pod.ts';

export interface KubeletFacts {
  readonly nodeName: string;
  readonly startedAtMs: number;
  now(): number;
  /** Memory of the whole node in bytes. */
  memoryBytes(): number;
  pods(): readonly { readonly pod: BoundPod; readonly containers: readonly ContainerRecord[] }[];
  usage(containerId: string): { readonly cpuMillis: number; readonly memoryBytes: number };
  /** The log of a container as it is now. @throws with a message for people */
  log(namespace: string, pod: string, container: string, query: URLSearchParams): Promise<Uint8Array>;
  /** The actor's own measurements, as Prometheus text. */
  metrics(): string;
}

const plain = 'text/plain; charset=utf-8';
const prometheus = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';
const json = 'application/json';

interface HttpAnswer {
  readonly type: string;
  readonly body: string | Uint8Array;
}

type Handler = (facts: KubeletFacts, query: URLSearchParams) => HttpAnswer;

const handlers: Readonly<Record<string, Handler>> = {
  '/healthz': () => ({ type: plain, body: 'ok' }),
  '/healthz/log': () => ({ type: plain, body: 'ok' }),
  '/healthz/ping': () => ({ type: plain, body: 'ok' }),
  '/healthz/syncloop': () => ({ type: plain, body: 'ok' }),
  '/configz': (facts) => ({ type: json, body: JSON.stringify({ kubeletconfig: configuration(facts) }) }),
  '/pods': (facts) => ({ type: json, body: podList(facts.pods().map(({ pod }) => pod)) }),
  '/runningpods': (facts) => ({ type: json, body: podList(runningPods(facts)) }),
  '/stats/summary': (facts) => ({ type: json, body: `${JSON.stringify(summary(facts), undefined, 1)}` }),
  '/metrics': (facts) => ({ type: prometheus, body: ownMetrics(facts) }),
  '/metrics/resource': (facts) => ({ type: prometheus, body: resourceMetrics(facts) }),
  '/metrics/cadvisor': (facts) => ({ type: prometheus, body: resourceMetrics(facts) }),
  '/metrics/probes': () => ({ type: prometheus, body: '' }),
};

/** Serves connections that come over the bus; it listens nowhere itself. */
export class KubeletHttp {
  readonly #server: Server;

  constructor(facts: KubeletFacts) {
    this.#server = createServer((request, response) => void answer(facts, request, response));
  }

  serve(socket: Duplex): void {
    socket.on('error', () => socket.destroy());
    this.#server.emit('connection', socket);
  }
}

async function answer(facts: KubeletFacts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  const send = (code: number, { type, body }: HttpAnswer): void => {
    response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const parameters = new URLSearchParams(query);
  const handler = handlers[path.length > 1 ? path.replace(/\/$/, '') : path];
  if (handler !== undefined) {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(405, { type: plain, body: '405: Method Not Allowed' });
    } else send(200, handler(facts, parameters));
    return;
  }
  const log = /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path);
  if (log === null) {
    send(404, { type: plain, body: '404 page not found\n' });
    return;
  }
  try {
    const [, namespace = '', pod = '', container = ''] = log;
    send(200, { type: plain, body: await facts.log(namespace, pod, container, parameters) });
  } catch (error) {
    send(400, { type: plain, body: `${error instanceof Error ? error.message : String(error)}\n` });
  }
}

/** Items of a typed list do not name their kind. */
function podList(pods: readonly unknown[]): string {
  const items = pods.map((pod) => {
    const { kind: _kind, apiVersion: _version, ...item } = pod as BoundPod;
    return item;
  });
  return `${JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items })}\n`;
}

function runningPods(facts: KubeletFacts): unknown[] {
  return facts
    .pods()
    .filter(({ containers }) => containers.some(({ state }) => state === 'running'))
    .map(({ pod, containers }) => ({
      metadata: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
      spec: {
        containers: containers
          .filter(({ state }) => state === 'running')
          .map(({ name, imageId }) => ({ name, image: imageId, resources: {} })),
      },
      status: {},
    }));
}

function configuration(facts: KubeletFacts): unknown {
  return {
    kind: 'KubeletConfiguration',
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    syncFrequency: '1m0s',
    fileCheckFrequency: '20s',
    httpCheckFrequency: '20s',
    address: '0.0.0.0',
    port: 10250,
    authentication: { x509: {}, webhook: { enabled: true, cacheTTL: '2m0s' }, anonymous: { enabled: false } },
    authorization: { mode: 'Webhook', webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' } },
    healthzPort: 10248,
    healthzBindAddress: '127.0.0.1',
    clusterDomain: 'cluster.local',
    clusterDNS: ['10.96.0.10'],
    nodeStatusUpdateFrequency: '10s',
    nodeStatusReportFrequency: '5m0s',
    nodeLeaseDurationSeconds: 40,
    cgroupDriver: 'systemd',
    maxPods: 110,
    podPidsLimit: -1,
    enableServer: true,
    failSwapOn: true,
    providerID: '',
    registerNode: true,
    hostnameOverride: facts.nodeName,
  };
}

interface Usage {
  cpuMillis: number;
  memoryBytes: number;
}

function statsOf(usage: Usage, sinceMs: number, nowMs: number, memoryBytes?: number): { cpu: object; memory: object } {
  const time = formatTime(nowMs);
  const seconds = Math.max(0, nowMs - sinceMs) / 1000;
  return {
    cpu: {
      time,
      usageNanoCores: usage.cpuMillis * 1e6,
      usageCoreNanoSeconds: Math.round(usage.cpuMillis * 1e6 * seconds),
    },
    memory: {
      time,
      ...(memoryBytes === undefined ? {} : { availableBytes: Math.max(0, memoryBytes - usage.memoryBytes) }),
      usageBytes: usage.memoryBytes,
      workingSetBytes: usage.memoryBytes,
      rssBytes: usage.memoryBytes,
      pageFaults: 0,
      majorPageFaults: 0,
    },
  };
}

function summary(facts: KubeletFacts): unknown {
  const nowMs = facts.now();
  const total: Usage = { cpuMillis: 0, memoryBytes: 0 };
  const pods = facts.pods().map(({ pod, containers }) => {
    const all: Usage = { cpuMillis: 0, memoryBytes: 0 };
    const shown = containers
      .filter(({ state }) => state === 'running')
      .map(({ id, name, startedAtMs }) => {
        const usage = facts.usage(id);
        all.cpuMillis += usage.cpuMillis;
        all.memoryBytes += usage.memoryBytes;
        return { name, startTime: formatTime(startedAtMs), ...statsOf(usage, startedAtMs, nowMs) };
      });
    total.cpuMillis += all.cpuMillis;
    total.memoryBytes += all.memoryBytes;
    const { name, namespace, uid } = pod.metadata;
    const startTime = pod.status?.startTime ?? formatTime(nowMs);
    return {
      podRef: { name, namespace, uid },
      startTime,
      containers: shown,
      ...statsOf(all, Date.parse(startTime), nowMs),
    };
  });
  const node = {
    nodeName: facts.nodeName,
    startTime: formatTime(facts.startedAtMs),
    ...statsOf(total, facts.startedAtMs, nowMs, facts.memoryBytes()),
  };
  return { node, pods };
}

const quote = (value: string): string => JSON.stringify(value);

function gauge(name: string, help: string, rows: readonly string[], type = 'gauge'): string {
  if (rows.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${rows.map((row) => `${name}${row}\n`).join('')}`;
}

function ownMetrics(facts: KubeletFacts): string {
  const pods = facts.pods();
  const containers = pods.flatMap((each) => each.containers);
  const count = (state: string): number => containers.filter((container) => container.state === state).length;
  const version = `{git_version=${quote(kubeletVersion)},major="1",minor="36",platform="linux/amd64"} 1`;
  return [
    gauge('kubelet_node_name', "[STABLE] The node's name. The count is always 1.", [
      `{node=${quote(facts.nodeName)}} 1`,
    ]),
    gauge('kubelet_running_containers', '[ALPHA] Number of containers currently running', [
      `{container_state="exited"} ${count('terminated')}`,
      `{container_state="running"} ${count('running')}`,
    ]),
    gauge('kubelet_running_pods', '[BETA] Number of pods that have a running pod sandbox', [
      ` ${pods.filter((each) => each.containers.some(({ state }) => state === 'running')).length}`,
    ]),
    gauge(
      'kubernetes_build_info',
      "[ALPHA] A metric with a constant '1' value labeled by the version it was built from.",
      [version],
    ),
    facts.metrics(),
  ].join('');
}

function resourceMetrics(facts: KubeletFacts): string {
  const nowMs = facts.now();
  const cpu: string[] = [];
  const memory: string[] = [];
  const starts: string[] = [];
  const podCpu: string[] = [];
  const podMemory: string[] = [];
  let nodeCpu = 0;
  let nodeMemory = 0;
  for (const { pod, containers } of facts.pods()) {
    const where = `namespace=${quote(pod.metadata.namespace)},pod=${quote(pod.metadata.name)}`;
    let seconds = 0;
    let bytes = 0;
    for (const { id, name, state, startedAtMs } of containers) {
      if (state !== 'running') continue;
      const usage = facts.usage(id);
      const used = (usage.cpuMillis / 1000) * (Math.max(0, nowMs - startedAtMs) / 1000);
      cpu.push(`{container=${quote(name)},${where}} ${used} ${nowMs}`);
      memory.push(`{container=${quote(name)},${where}} ${usage.memoryBytes} ${nowMs}`);
      starts.push(`{container=${quote(name)},${where}} ${startedAtMs / 1000}`);
      seconds += used;
      bytes += usage.memoryBytes;
    }
    podCpu.push(`{${where}} ${seconds} ${nowMs}`);
    podMemory.push(`{${where}} ${bytes} ${nowMs}`);
    nodeCpu += seconds;
    nodeMemory += bytes;
  }
  const cpuHelp = 'Cumulative cpu time consumed by the';
  const memoryHelp = 'Current working set of the';
  return [
    gauge('container_cpu_usage_seconds_total', `[STABLE] ${cpuHelp} container in core-seconds`, cpu, 'counter'),
    gauge('container_memory_working_set_bytes', `[STABLE] ${memoryHelp} container in bytes`, memory),
    gauge('container_start_time_seconds', '[STABLE] Start time of the container since unix epoch in seconds', starts),
    gauge(
      'node_cpu_usage_seconds_total',
      `[STABLE] ${cpuHelp} node in core-seconds`,
      [` ${nodeCpu} ${nowMs}`],
      'counter',
    ),
    gauge('node_memory_working_set_bytes', `[STABLE] ${memoryHelp} node in bytes`, [` ${nodeMemory} ${nowMs}`]),
    gauge('pod_cpu_usage_seconds_total', `[STABLE] ${cpuHelp} pod in core-seconds`, podCpu, 'counter'),
    gauge('pod_memory_working_set_bytes', `[STABLE] ${memoryHelp} pod in bytes`, podMemory),
    gauge('resource_scrape_error', '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise', [
      ' 0',
    ]),
  ].join('');
}
