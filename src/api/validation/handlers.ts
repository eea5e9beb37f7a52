/**
 * Probes and lifecycle hooks: what a container is asked or told, and how often.
 * @see validateProbe, validateHandler
 */
import type { Lifecycle, LifecycleHandler, Probe } from '../generated/types.ts';
import { validateHttpHeaderName } from '../names.ts';
import { at, type Check, type Path } from './check.ts';

type Handler = Pick<Probe, 'exec' | 'grpc' | 'httpGet' | 'tcpSocket'> & Pick<LifecycleHandler, 'sleep'>;

const handlerTypes = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const;

function checkHandler(check: Check, path: Path, handler: Handler, gracePeriodSeconds: number | undefined): void {
  let found = false;
  for (const type of handlerTypes) {
    if (!handler[type]) continue;
    if (found) {
      check.forbidden(path, type, 'may not specify more than 1 handler type');
      continue;
    }
    found = true;
    checkAction(check, path, handler, type, gracePeriodSeconds);
  }
  if (!found) check.required(path, '', 'must specify a handler type');
}

function checkAction(
  check: Check,
  path: Path,
  handler: Handler,
  type: (typeof handlerTypes)[number],
  gracePeriodSeconds: number | undefined,
): void {
  switch (type) {
    case 'exec':
      if (!handler.exec?.command?.length) check.required(at(path, 'exec'), 'command');
      break;
    case 'httpGet': {
      const { path: url, port, scheme, httpHeaders } = handler.httpGet!;
      const place = at(path, 'httpGet');
      check.present(place, 'path', url);
      check.portNumberOrName(place, 'port', port);
      check.oneOf(place, 'scheme', scheme, ['HTTP', 'HTTPS']);
      for (const { name } of httpHeaders ?? []) {
        check.all(place, 'httpHeaders', name ?? '', validateHttpHeaderName(name ?? ''));
      }
      break;
    }
    case 'tcpSocket':
      check.portNumberOrName(at(path, 'tcpSocket'), 'port', handler.tcpSocket!.port);
      break;
    case 'grpc':
      check.portNumber(at(path, 'grpc'), 'port', handler.grpc!.port);
      break;
    case 'sleep': {
      const seconds = handler.sleep!.seconds ?? 0;
      if (gracePeriodSeconds === undefined || (seconds >= 0 && seconds <= gracePeriodSeconds)) break;
      const text = `must be non-negative and less than terminationGracePeriodSeconds (${gracePeriodSeconds})`;
      check.invalid(path, 'sleep', seconds, text);
      break;
    }
  }
}

export type ProbeField = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

const probeNumbers = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const;

export function checkProbe(
  check: Check,
  container: Path,
  field: ProbeField,
  probe: Probe | undefined,
  gracePeriodSeconds: number | undefined,
): void {
  if (probe === undefined || probe === null) return;
  const path = at(container, field);
  checkHandler(check, path, probe, gracePeriodSeconds);
  for (const name of probeNumbers) check.nonNegative(path, name, probe[name]);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    check.invalid(path, 'terminationGracePeriodSeconds', grace, 'must be greater than 0');
  }
  if (field === 'readinessProbe') {
    if (grace !== undefined) {
      check.invalid(path, 'terminationGracePeriodSeconds', grace, 'must not be set for readinessProbes');
    }
  } else if (probe.successThreshold !== 1) {
    check.invalid(path, 'successThreshold', probe.successThreshold ?? 0, 'must be 1');
  }
}

export function checkLifecycle(
  check: Check,
  path: Path,
  lifecycle: Lifecycle,
  gracePeriodSeconds: number | undefined,
): void {
  if (lifecycle.postStart) checkHandler(check, at(path, 'postStart'), lifecycle.postStart, gracePeriodSeconds);
  if (lifecycle.preStop) checkHandler(check, at(path, 'preStop'), lifecycle.preStop, gracePeriodSeconds);
}
