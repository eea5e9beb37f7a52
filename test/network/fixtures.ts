/** Services and slices for the tests of routing. */
import type { Endpoint, EndpointSlice, Service, ServiceSpec } from '../../src/api/index.ts';
import { type ProxyPlace, ServiceTable } from '../../src/network/index.ts';

export const place: ProxyPlace = { nodeName: 'node-1', zone: 'a', nodeIps: ['172.16.0.1'] };

export function service(spec: Partial<ServiceSpec> = {}, name = 'web'): Service {
  return {
    metadata: { name, namespace: 'default' },
    spec: {
      clusterIP: '10.96.0.10',
      clusterIPs: ['10.96.0.10'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      ...spec,
    },
  };
}

export function slice(endpoints: Endpoint[], name = 'web-1', serviceName = 'web'): EndpointSlice {
  return {
    addressType: 'IPv4',
    metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': serviceName } },
    endpoints,
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  };
}

export function endpoint(ip: string, more: Partial<Endpoint> = {}): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: 'node-2',
    targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${ip}` },
    ...more,
  };
}

export const terminating = { ready: false, serving: true, terminating: true };
export const unready = { ready: false, serving: false, terminating: false };

export function table(one: Service, ...slices: EndpointSlice[]): ServiceTable {
  const made = new ServiceTable();
  made.putService(one);
  for (const each of slices) made.putSlice(each);
  return made;
}

/** The table of one service with `count` ready endpoints, 10.1.0.1 and on. */
export function endpoints(count: number): ServiceTable {
  return table(service(), slice(Array.from({ length: count }, (_, at) => endpoint(`10.1.0.${at + 1}`))));
}
