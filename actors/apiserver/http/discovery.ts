/**
 * Discovery: which groups, versions and resources there are, plain and aggregated. The texts are made when first asked for and
 * kept until the registry changes.
 */
import {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  entityTag,
  type KindRegistry,
  StatusError,
} from '../../../src/api/index.ts';
import { withRemoteDiscovery, withRemoteGroups, withRemoteVersions } from '../aggregation/discovery.ts';
import type { Server } from '../server.ts';
import { sendObject, sendStatus } from './answers.ts';
import { type Accepted, wantsAggregated } from './negotiation.ts';
import { type Reply, send } from './reply.ts';

interface Texts {
  readonly generation: string;
  readonly byKey: Map<string, { readonly text: string; readonly etag: string }>;
}

const texts = new WeakMap<KindRegistry, Texts>();

function aggregatedText({ registry, aggregation }: Server, root: 'api' | 'apis', version: 'v2' | 'v2beta1') {
  let kept = texts.get(registry);
  const generation = `${registry.generation} ${aggregation.generation}`;
  if (kept === undefined || kept.generation !== generation) {
    kept = { generation, byKey: new Map() };
    texts.set(registry, kept);
  }
  const key = `${root} ${version}`;
  let found = kept.byKey.get(key);
  if (found === undefined) {
    const own = aggregatedDiscovery(registry, root, version);
    const text = `${JSON.stringify(root === 'api' ? own : withRemoteDiscovery(own, aggregation))}\n`;
    found = { text, etag: entityTag(text) };
    kept.byKey.set(key, found);
  }
  return found;
}

/** Answers `/api`, `/apis` and what lies directly below them, and says whether it did. */
export function sendDiscovery(server: Server, reply: Reply, path: string, accepted: Accepted | undefined): boolean {
  const [, root, group, version, ...rest] = path.split('/');
  if ((root !== 'api' && root !== 'apis') || rest.length > 0 || (root === 'api' && version !== undefined)) return false;
  const { method, headers } = reply.request;
  const bare = group === undefined;
  const aggregated = bare ? wantsAggregated(headers['accept']) : undefined;
  if (aggregated !== undefined && method === 'GET') {
    sendAggregated(server, reply, root, aggregated);
    return true;
  }
  const document = documentOf(server, reply, root, group, version);
  if (document === undefined) sendStatus(reply, StatusError.noSuchPath(), accepted);
  else if (accepted === undefined)
    sendStatus(reply, StatusError.notAcceptable(['application/json', 'application/yaml']), undefined);
  else sendObject(reply, 200, document, accepted);
  return true;
}

function sendAggregated(server: Server, reply: Reply, root: 'api' | 'apis', version: 'v2' | 'v2beta1'): void {
  const { text, etag } = aggregatedText(server, root, version);
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const headers = { etag, vary: 'Accept' };
  if (reply.request.headers['if-none-match'] === etag) send(reply, 304, '', '', headers);
  else send(reply, 200, contentType, text, headers);
}

function documentOf(
  server: Server,
  reply: Reply,
  root: 'api' | 'apis',
  group: string | undefined,
  version: string | undefined,
): unknown {
  const { registry, aggregation } = server;
  if (root === 'api') {
    if (group !== undefined) return apiResourceList(registry, '', group);
    const { localAddress = '127.0.0.1', localPort = 443 } = reply.request.socket;
    return apiVersions(`${localAddress.replace(/^::ffff:/, '')}:${localPort}`);
  }
  if (group === undefined) return withRemoteGroups(apiGroupList(registry), aggregation);
  return version === undefined
    ? withRemoteVersions(apiGroup(registry, group), group, aggregation)
    : apiResourceList(registry, group, version);
}
