/**
 * An extender: a program of the user's own that is asked over HTTP about nodes, scores, victims and bindings. What it
 * answers is read with field names in any case, as Go's decoder does.
 * @see kubernetes/pkg/scheduler/extender.go and kube-scheduler/extender/v1
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Node, Pod } from '../api/index.ts';
import type { Clock, Log } from '../runtime/index.ts';
import type { Cycle } from './cycle-state.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { ExtenderConfiguration } from './extender-configuration.ts';
import type { NodeTable } from './node-table.ts';
import type { PodInfo } from './pod-info.ts';
import type { Profile } from './profile.ts';
import { maxNodeScore } from './scoring-run.ts';
import { unresolvable, unschedulable } from './verdict.ts';

/** Highest score that an extender gives. */
const extenderScoreMax = 10;
const answerBytesMax = 64 * 1024 * 1024;

/** Why a node is out, and whether preempting pods there might help. */
export interface ExtenderRejection {
  readonly reason: string;
  readonly resolvable: boolean;
}

export interface ExtenderFilterAnswer {
  /** Names of the nodes that are left. */
  readonly kept: readonly string[];
  readonly rejected: ReadonlyMap<string, ExtenderRejection>;
}

/** Victims by node name, in both directions. */
export interface ExtenderVictims {
  readonly victims: readonly PodInfo[];
  readonly violations: number;
}

type Loose = Readonly<Record<string, unknown>>;

/** A member of an answer, whatever the case of its first letter. */
function member(answer: unknown, name: string): unknown {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const loose = answer as Loose;
  if (name in loose) return loose[name];
  const wanted = name.toLowerCase();
  for (const key in loose) if (key.toLowerCase() === wanted) return loose[key];
  return undefined;
}

const entriesOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

/** A connection that could not be made, in the words in which Go's client says so. */
function dialled(url: string, error: Error): Error {
  const { code, address, port, syscall } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (syscall !== 'connect' || address === undefined) return error;
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ETIMEDOUT: 'connection timed out',
    EHOSTUNREACH: 'no route to host',
    ENETUNREACH: 'network is unreachable',
  };
  const host = address.includes(':') ? `[${address}]` : address;
  const reason = reasons[code ?? ''] ?? error.message;
  return new Error(`Post ${JSON.stringify(url)}: dial tcp ${host}:${port}: connect: ${reason}`);
}

export class Extender {
  readonly configuration: ExtenderConfiguration;
  readonly #clock: Clock;

  constructor(configuration: ExtenderConfiguration, clock: Clock) {
    this.configuration = configuration;
    this.#clock = clock;
  }

  /** As messages name it. */
  get name(): string {
    return this.configuration.urlPrefix;
  }

  get ignorable(): boolean {
    return this.configuration.ignorable;
  }

  /** Does it want to be asked about the pod? */
  isInterestedIn(pod: Pod): boolean {
    const { managedResources } = this.configuration;
    if (managedResources.length === 0) return true;
    const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
    return containers.some(({ resources }) =>
      managedResources.some(
        ({ name }) => resources?.requests?.[name] !== undefined || resources?.limits?.[name] !== undefined,
      ),
    );
  }

  /** @throws Error */
  async filter(pod: Pod, nodes: readonly Node[]): Promise<ExtenderFilterAnswer> {
    const { filterVerb, nodeCacheCapable } = this.configuration;
    const names = nodes.map(({ metadata }) => metadata?.name ?? '');
    if (filterVerb === undefined) return { kept: names, rejected: new Map() };
    const answer = await this.#ask(filterVerb, this.#about(pod, nodes));
    const error = member(answer, 'Error');
    if (typeof error === 'string' && error !== '') throw new Error(error);
    const listed = member(answer, 'NodeNames');
    const objects = member(member(answer, 'Nodes'), 'items');
    const known = new Set(names);
    let kept: string[] = [];
    if (nodeCacheCapable && Array.isArray(listed)) kept = listed.map(String);
    else if (Array.isArray(objects)) kept = objects.map((node: Node) => node.metadata?.name ?? '');
    for (const name of kept) {
      if (!known.has(name))
        throw new Error(
          `extender ${JSON.stringify(this.name)} claims a filtered node ${JSON.stringify(name)} which is not found in the input node list`,
        );
    }
    const rejected = new Map<string, ExtenderRejection>();
    for (const [name, reason] of entriesOf(member(answer, 'FailedNodes'))) {
      rejected.set(name, { reason: String(reason), resolvable: true });
    }
    for (const [name, reason] of entriesOf(member(answer, 'FailedAndUnresolvableNodes'))) {
      rejected.set(name, { reason: String(reason), resolvable: false });
    }
    return { kept, rejected };
  }

  /** Weighted scores by node name, on the scale of the plugins' totals. @throws Error */
  async prioritize(pod: Pod, nodes: readonly Node[]): Promise<ReadonlyMap<string, number>> {
    const { prioritizeVerb, weight } = this.configuration;
    const scores = new Map<string, number>();
    if (prioritizeVerb === undefined) return scores;
    const answer = await this.#ask(prioritizeVerb, this.#about(pod, nodes));
    if (!Array.isArray(answer)) return scores;
    for (const entry of answer) {
      const score = Number(member(entry, 'Score') ?? 0);
      scores.set(String(member(entry, 'Host')), score * weight * (maxNodeScore / extenderScoreMax));
    }
    return scores;
  }

  /** @throws Error */
  async bind({ name, namespace, uid }: PodInfo, nodeName: string): Promise<void> {
    const binding = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: nodeName };
    const error = member(await this.#ask(this.configuration.bindVerb!, binding), 'Error');
    if (typeof error === 'string' && error !== '') throw new Error(error);
  }

  /** The candidates that it leaves, with the victims that it wants: uids by node name. @throws Error */
  async preempt(
    pod: Pod,
    candidates: ReadonlyMap<string, ExtenderVictims>,
  ): Promise<ReadonlyMap<string, { readonly uids: ReadonlySet<string>; readonly violations: number }>> {
    const { preemptVerb, nodeCacheCapable } = this.configuration;
    const sent: Record<string, unknown> = {};
    for (const [nodeName, { victims, violations }] of candidates) {
      const Pods = victims.map((info) => (nodeCacheCapable ? { UID: info.uid } : info.pod));
      sent[nodeName] = { Pods, NumPDBViolations: violations };
    }
    const body = nodeCacheCapable
      ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: sent }
      : { Pod: pod, NodeNameToVictims: sent, NodeNameToMetaVictims: null };
    const answer = await this.#ask(preemptVerb!, body);
    const left = new Map<string, { uids: Set<string>; violations: number }>();
    for (const [nodeName, meta] of entriesOf(member(answer, 'NodeNameToMetaVictims'))) {
      const listed = member(meta, 'Pods');
      const uids = new Set((Array.isArray(listed) ? listed : []).map((one) => String(member(one, 'UID'))));
      left.set(nodeName, { uids, violations: Number(member(meta, 'NumPDBViolations') ?? 0) });
    }
    return left;
  }

  #about(pod: Pod, nodes: readonly Node[]): Loose {
    return this.configuration.nodeCacheCapable
      ? { Pod: pod, Nodes: null, NodeNames: nodes.map(({ metadata }) => metadata?.name) }
      : { Pod: pod, Nodes: { apiVersion: 'v1', kind: 'NodeList', metadata: {}, items: nodes }, NodeNames: null };
  }

  #ask(verb: string, body: unknown): Promise<unknown> {
    const { urlPrefix, timeoutMs, tls } = this.configuration;
    const url = `${urlPrefix}/${verb}`;
    const text = JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', headers };
      const secure = {
        ...options,
        rejectUnauthorized: !tls?.insecure,
        ...(tls?.caPem ? { ca: tls.caPem } : {}),
        ...(tls?.certPem ? { cert: tls.certPem, key: tls.keyPem } : {}),
        ...(tls?.serverName ? { servername: tls.serverName } : {}),
      };
      const call = url.startsWith('https:') ? httpsRequest(url, secure) : httpRequest(url, options);
      const late = new Error(
        `Post ${JSON.stringify(url)}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
      );
      const timer = this.#clock.after(timeoutMs, () => call.destroy(late));
      const failed = (error: Error) => {
        timer.cancel();
        reject(error);
      };
      call.on('error', (error) => failed(error === late ? late : dialled(url, error)));
      call.on('response', (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on('error', failed);
        response.on('data', (part: Buffer) => {
          parts.push(part);
          bytes += part.length;
          if (bytes > answerBytesMax)
            call.destroy(new Error(`the answer of ${url} is longer than ${answerBytesMax} bytes`));
        });
        response.on('end', () => {
          timer.cancel();
          if (response.statusCode !== 200) {
            reject(new Error(`failed ${verb} with extender at URL ${url}, code ${response.statusCode}`));
            return;
          }
          try {
            resolve(JSON.parse(Buffer.concat(parts).toString('utf8')));
          } catch (error) {
            reject(error);
          }
        });
      });
      call.end(text);
    });
  }
}

/** What a round of extenders left of the nodes that plugins found. */
export interface ExtenderRound {
  readonly left: readonly Node[];
  readonly rejected: ReadonlyMap<string, ExtenderRejection>;
  /** Scores to add, by node name. */
  readonly added: ReadonlyMap<string, number>;
  /** Of the first extender that failed and must not be left out. */
  readonly error?: unknown;
}

/** Lets extenders filter, one after the other, and then score what is left. Never rejects. */
export async function askExtenders(
  extenders: readonly Extender[],
  pod: Pod,
  nodes: readonly Node[],
  log: Log,
): Promise<ExtenderRound> {
  let left = nodes;
  const rejected = new Map<string, ExtenderRejection>();
  const added = new Map<string, number>();
  for (const extender of extenders) {
    try {
      const answer = await extender.filter(pod, left);
      const kept = new Set(answer.kept);
      left = left.filter(({ metadata }) => kept.has(metadata?.name ?? ''));
      for (const [name, why] of answer.rejected) if (rejected.get(name)?.resolvable !== false) rejected.set(name, why);
    } catch (error) {
      if (!extender.ignorable) return { left: [], rejected, added, error };
      log.warn('extender left out', { extender: extender.name, error: String(error) });
    }
    if (left.length === 0) break;
  }
  for (const extender of left.length > 1 ? extenders : []) {
    try {
      for (const [name, score] of await extender.prioritize(pod, left)) added.set(name, (added.get(name) ?? 0) + score);
    } catch (error) {
      log.warn('extender does not score', { extender: extender.name, error: String(error) });
    }
  }
  return { left, rejected, added };
}

/** The rejecting "plugin" of pods that extenders refused: any event may help. */
const extendersPlugin = '(extenders)';

/** Why no node is left once extenders have spoken. */
export function diagnoseExtenders(
  profile: Profile,
  cycle: Cycle,
  info: PodInfo,
  processed: number,
  nodes: NodeTable,
  rejected: ExtenderRound['rejected'],
): Diagnosis {
  const diagnosis = profile.diagnose(cycle, info, processed);
  for (const [name, { reason, resolvable }] of rejected) {
    const row = nodes.rowOf(name);
    const given = resolvable ? unschedulable(reason) : unresolvable(reason);
    if (row >= 0) diagnosis.set(row, { ...given, plugin: extendersPlugin });
  }
  diagnosis.unschedulablePlugins.add(extendersPlugin);
  return diagnosis;
}
