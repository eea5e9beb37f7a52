/**
 * A container's log, as the pod's kubelet has it. @see pkg/registry/core/pod/rest/log.go, pkg/registry/core/pod/strategy.go LogLocation
 */
import { canonicalTime, type FieldError, fieldErrors, StatusError } from '../../../src/api/index.ts';
import { kubeletAddress, type NodeLogsRequest, nodeChannels } from '../../../src/node/protocol.ts';
import type { Call } from '../call.ts';
import { booleanOf } from '../verbs/list-options.ts';
import type { SubresourceHandler } from './handler.ts';
import { containerOf, logFailure, podOf } from './pod-target.ts';

export const log: SubresourceHandler = {
  name: 'log',
  kinds: ['/registry/pods'],
  connect(call, server) {
    const pod = podOf(call, server);
    const options = logOptions(call);
    const container = containerOf(pod, call.query['container']);
    const node = pod.spec?.nodeName ?? '';
    // A pod without a node has no log yet: an empty answer, as upstream gives.
    if (node === '') {
      call.answer = { type: 'empty', code: 204 };
      return;
    }
    const request: NodeLogsRequest = {
      namespace: call.namespace as string,
      pod: call.name as string,
      container,
      ...options,
    };
    const asked = ['follow', 'previous', 'timestamps', 'sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes'] as const;
    const parameters = new URLSearchParams(
      asked.flatMap((name): [string, string][] => {
        const value = request[name];
        return value === undefined || value === false ? [] : [[name, String(value)]];
      }),
    );
    parameters.sort();
    const query = parameters.size === 0 ? '' : `?${parameters}`;
    const path = `/containerLogs/${request.namespace}/${request.pod}/${container}${query}`;
    call.answer = {
      type: 'stream',
      contentType: 'text/plain',
      open(sink) {
        const subscription = server.context.bus.open(kubeletAddress(node), nodeChannels.logs, request).subscribe({
          next: (chunk) => sink.next(chunk),
          error: (error: unknown) => sink.end(logFailure(error, server, node, path)),
          complete: () => sink.end(),
        });
        return () => subscription.unsubscribe();
      },
    };
  },
};

type LogOptions = Omit<NodeLogsRequest, 'namespace' | 'pod' | 'container'>;

function logOptions(call: Call): LogOptions {
  const { query } = call;
  const errors: FieldError[] = [];
  const integer = (name: 'tailLines' | 'limitBytes' | 'sinceSeconds', min: number): number | undefined => {
    const text = query[name];
    if (text === undefined) return undefined;
    if (!/^[+-]?\d+$/.test(text)) {
      throw StatusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    }
    const value = Number(text);
    if (value < min) {
      errors.push(
        fieldErrors.invalid(name, value, min === 0 ? 'must be greater than or equal to 0' : 'must be greater than 0'),
      );
    }
    return value;
  };
  const tailLines = integer('tailLines', 0);
  const limitBytes = integer('limitBytes', 1);
  const sinceSeconds = integer('sinceSeconds', 1);
  const sinceTime = query['sinceTime'];
  if (sinceTime !== undefined) {
    const time = canonicalTime(sinceTime, false);
    if ('refusal' in time) throw StatusError.badRequest(time.refusal);
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(fieldErrors.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  }
  const { stream } = query;
  if (stream !== undefined && !['All', 'Stdout', 'Stderr'].includes(stream)) {
    errors.push(fieldErrors.notSupported('stream', stream, ['All', 'Stderr', 'Stdout']));
  }
  if (errors.length > 0) throw StatusError.invalid({ group: '', name: 'PodLogOptions' }, call.name as string, errors);
  return {
    follow: booleanOf(query['follow']) ?? false,
    previous: booleanOf(query['previous']) ?? false,
    timestamps: booleanOf(query['timestamps']) ?? false,
    tailLines,
    limitBytes,
    sinceSeconds,
    sinceTime,
    stream: stream === 'All' ? undefined : stream,
  };
}
