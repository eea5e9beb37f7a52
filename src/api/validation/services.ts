/**
 * Services: their ports, addresses and traffic policies.
 * @see ValidateService, ValidateServiceUpdate
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { LoadBalancerIngress, Service, ServicePort, ServiceSpec } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { addressFamily, checkAddress, checkNonSpecialAddress, checkRange } from './addresses.ts';
import { at, Check, keyed, type Path } from './check.ts';
import { internalForm } from './internal-form.ts';
import { checkLabels, checkStandardFinalizers, nameIsDnsLabel } from './metadata.ts';

const specPath = fieldPath('spec');
const annotationsPath = fieldPath('metadata', 'annotations');
const protocols = ['SCTP', 'TCP', 'UDP'];
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const topologyHints = 'service.kubernetes.io/topology-aware-hints';
const topologyMode = 'service.kubernetes.io/topology-mode';
const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const affinitySecondsMax = 86400;
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const fixed = 'may not change once set';

const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';

function checkService(check: Check, service: Service, previous?: Service): void {
  const { metadata = {}, spec = {} } = service;
  const before = previous?.spec;
  checkStandardFinalizers(check, metadata);
  const mode = metadata.annotations?.[topologyMode];
  const hints = metadata.annotations?.[topologyHints];
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    const text = `must match annotations[${topologyHints}] when both are specified`;
    check.invalid(keyed(annotationsPath, topologyMode), '', mode, text);
  }
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') check.required(specPath, 'ports');
  checkType(check, spec);
  const names = new Set<string>();
  ports.forEach((port, index) => {
    checkPort(check, at(at(specPath, 'ports'), index), port, ports.length > 1, names);
  });
  if (spec.selector !== undefined) checkLabels(check, spec.selector, specPath, 'selector');
  checkSessionAffinity(check, spec);
  checkClusterAddresses(check, spec, before?.clusterIPs);
  spec.externalIPs?.forEach((address, index) => {
    const place = at(specPath, 'externalIPs');
    if (checkAddress(check, place, index, address, before?.externalIPs))
      checkNonSpecialAddress(check, place, index, address);
  });
  check.requiredOneOf(specPath, 'type', spec.type, types);
  checkPortsTogether(check, spec, ports);
  checkLoadBalancer(check, service, previous);
  checkLoadBalancerClass(check, spec, undefined);
  checkTraffic(check, spec);
}

function checkType(check: Check, spec: ServiceSpec): void {
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') {
    if (!isHeadless(spec)) return;
    check.invalid(at(specPath, 'clusterIPs'), 0, 'None', `may not be set to 'None' for ${spec.type} services`);
  } else if (spec.type === 'ExternalName') {
    const text = 'may not be set for ExternalName services';
    if (spec.clusterIPs?.length) check.forbidden(specPath, 'clusterIPs', text);
    if (spec.ipFamilies?.length) check.forbidden(specPath, 'ipFamilies', text);
    if (spec.ipFamilyPolicy !== undefined) check.forbidden(specPath, 'ipFamilyPolicy', text);
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    if (name === '') check.required(specPath, 'externalName');
    else check.dnsSubdomain(specPath, 'externalName', name);
  }
}

function checkPort(check: Check, path: Path, port: ServicePort, requireName: boolean, names: Set<string>): void {
  if (port.name) {
    check.dnsLabel(path, 'name', port.name);
    if (names.has(port.name)) check.duplicate(path, 'name', port.name);
    names.add(port.name);
  } else if (requireName) check.required(path, 'name');
  check.portNumber(path, 'port', port.port);
  check.requiredOneOf(path, 'protocol', port.protocol, protocols);
  check.portNumberOrName(path, 'targetPort', port.targetPort);
  if (port.appProtocol !== undefined) check.qualifiedName(path, 'appProtocol', port.appProtocol);
}

function checkSessionAffinity(check: Check, spec: ServiceSpec): void {
  check.requiredOneOf(specPath, 'sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']);
  const config = spec.sessionAffinityConfig;
  const path = at(specPath, 'sessionAffinityConfig');
  if (spec.sessionAffinity === 'None') {
    if (config) check.forbidden(path, '', 'must not be set when session affinity is None');
    return;
  }
  if (spec.sessionAffinity !== 'ClientIP') return;
  const missing = 'when session affinity type is ClientIP';
  const seconds = config?.clientIP?.timeoutSeconds;
  if (!config) check.required(path, '', missing);
  else if (!config.clientIP) check.required(path, 'clientIP', missing);
  else if (seconds === undefined) check.required(at(path, 'clientIP'), 'timeoutSeconds', missing);
  else if (seconds <= 0 || seconds > affinitySecondsMax)
    check.invalid(
      at(path, 'clientIP'),
      'timeoutSeconds',
      seconds,
      `must be greater than 0 and less than ${affinitySecondsMax}`,
    );
}

/**
 * Cluster addresses, and that they are of the families which the service names.
 * @see ValidateServiceClusterIPsRelatedFields
 */
function checkClusterAddresses(check: Check, spec: ServiceSpec, stored: readonly string[] | undefined): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  if (clusterIP !== '') {
    if (clusterIPs.length === 0) check.required(specPath, 'clusterIPs');
    else if (clusterIPs[0] !== clusterIP)
      check.invalid(specPath, 'clusterIPs', clusterIPs, 'first value must match `clusterIP`');
  } else if (clusterIPs.length > 0)
    check.invalid(specPath, 'clusterIPs', clusterIPs, 'must be empty when `clusterIP` is not specified');
  ipFamilies.forEach((family, index) => {
    check.oneOf(at(specPath, 'ipFamilies'), index, family, ['IPv4', 'IPv6']);
    if (ipFamilies.indexOf(family) < index) check.duplicate(at(specPath, 'ipFamilies'), index, family);
  });
  if (ipFamilyPolicy !== undefined)
    check.oneOf(specPath, 'ipFamilyPolicy', ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']);
  const path = at(specPath, 'clusterIPs');
  let sound = true;
  clusterIPs.forEach((address, index) => {
    if (index === 0 && address === 'None') {
      if (clusterIPs.length === 1) return;
      sound = false;
      check.invalid(path, '', clusterIPs, "'None' must be the first and only value");
    } else if (!checkAddress(check, path, index, address, stored)) sound = false;
  });
  if (clusterIPs.length > 2) check.invalid(path, '', clusterIPs, 'may only hold up to 2 values');
  if (!sound) return;
  const families = new Set(clusterIPs.map(addressFamily));
  if (clusterIPs.length > 1 && families.size < 2)
    check.invalid(path, '', clusterIPs, 'may specify no more than one IP for each IP family');
  if (isHeadless(spec)) return;
  clusterIPs.forEach((address, index) => {
    const family = ipFamilies[index];
    if (family === undefined || (family === 'IPv6') === (addressFamily(address) === 6)) return;
    if (family !== 'IPv4' && family !== 'IPv6') return;
    check.invalid(path, index, address, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  });
}

function checkPortsTogether(check: Check, spec: ServiceSpec, ports: readonly ServicePort[]): void {
  const path = at(specPath, 'ports');
  if (spec.type === 'ClusterIP')
    ports.forEach((port, index) => {
      if (port.nodePort) check.forbidden(at(path, index), 'nodePort', "may not be used when `type` is 'ClusterIP'");
    });
  const nodePorts = new Set<string>();
  ports.forEach(({ protocol, nodePort }, index) => {
    if (!nodePort) return;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) check.duplicate(at(path, index), 'nodePort', nodePort);
    nodePorts.add(key);
  });
  const seen = new Set<string>();
  ports.forEach(({ protocol, port }, index) => {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) {
      const value = internalForm('ServicePort', { protocol, port, targetPort: 0 });
      check.duplicate(path, index, value);
    }
    seen.add(key);
  });
}

function checkLoadBalancer(check: Check, service: Service, previous: Service | undefined): void {
  const spec = service.spec ?? {};
  const isLoadBalancer = spec.type === 'LoadBalancer';
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const annotation = service.metadata?.annotations?.[sourceRanges];
  if (ranges.length > 0) {
    const path = at(specPath, 'LoadBalancerSourceRanges');
    if (!isLoadBalancer) check.forbidden(path, '', onlyLoadBalancer);
    ranges.forEach((range, index) => {
      checkRange(check, path, index, range.trim(), previous?.spec?.loadBalancerSourceRanges);
    });
  } else if (annotation !== undefined) {
    const path = keyed(annotationsPath, sourceRanges);
    if (!isLoadBalancer) check.forbidden(path, '', onlyLoadBalancer);
    const stored = previous?.metadata?.annotations?.[sourceRanges]?.split(',').map((range) => range.trim());
    if (annotation.trim() !== '')
      for (const range of annotation.split(',')) checkRange(check, path, '', range.trim(), stored);
  }
  if (spec.allocateLoadBalancerNodePorts !== undefined && !isLoadBalancer)
    check.forbidden(specPath, 'allocateLoadBalancerNodePorts', onlyLoadBalancer);
  if (isLoadBalancer && spec.allocateLoadBalancerNodePorts === undefined)
    check.required(undefined, 'allocateLoadBalancerNodePorts');
}

function checkLoadBalancerClass(check: Check, spec: ServiceSpec, before: ServiceSpec | undefined): void {
  const name = spec.loadBalancerClass;
  if (before?.type === 'LoadBalancer' && spec.type === 'LoadBalancer' && before.loadBalancerClass !== name)
    check.invalid(specPath, 'loadBalancerClass', name, fixed);
  if (name === undefined) return;
  if (spec.type === 'LoadBalancer') check.qualifiedName(specPath, 'loadBalancerClass', name);
  else check.forbidden(specPath, 'loadBalancerClass', onlyLoadBalancer);
}

function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

function checkTraffic(check: Check, spec: ServiceSpec): void {
  const external =
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);
  const policies = ['Cluster', 'Local'];
  if (external) check.requiredOneOf(specPath, 'externalTrafficPolicy', spec.externalTrafficPolicy, policies);
  else if (spec.externalTrafficPolicy)
    check.invalid(
      specPath,
      'externalTrafficPolicy',
      spec.externalTrafficPolicy,
      'may only be set for externally-accessible services',
    );
  const port = spec.healthCheckNodePort ?? 0;
  if (!needsHealthCheck(spec)) {
    if (port !== 0)
      check.invalid(
        specPath,
        'healthCheckNodePort',
        port,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      );
  } else if (port !== 0) check.portNumber(specPath, 'healthCheckNodePort', port);
  const internal = spec.internalTrafficPolicy;
  if (internal !== undefined) check.oneOf(specPath, 'internalTrafficPolicy', internal, policies);
  else if (spec.type !== 'ExternalName' && types.includes(spec.type ?? ''))
    check.required(specPath, 'internalTrafficPolicy');
  if (spec.trafficDistribution !== undefined)
    check.oneOf(specPath, 'trafficDistribution', spec.trafficDistribution, [
      'PreferClose',
      'PreferSameZone',
      'PreferSameNode',
    ]);
}

/** Primary addresses stay; a second one may come and go. */
function checkAddressChange(check: Check, spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return;
  if (isHeadless(before) && isHeadless(spec)) return;
  const now = spec.clusterIPs ?? [];
  const old = before.clusterIPs ?? [];
  const path = at(specPath, 'clusterIPs');
  if (old.length === now.length) {
    old.forEach((address, index) => {
      if (address !== now[index]) check.invalid(path, index, now, fixed);
    });
    return;
  }
  if (old.length > now.length && now.length === 0)
    check.invalid(path, 0, spec.clusterIPs ?? null, 'primary clusterIP can not be unset');
  if (old.length > 0 && now.length > 0 && now[0] !== old[0]) check.invalid(path, 0, now, fixed);
  if (old.length > now.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack')
    check.invalid(
      specPath,
      'ipFamilyPolicy',
      spec.ipFamilyPolicy,
      "must be set to 'SingleStack' when releasing the secondary clusterIP",
    );
}

function checkFamilyChange(check: Check, spec: ServiceSpec, before: ServiceSpec): void {
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return;
  if (isHeadless(before) || isHeadless(spec)) return;
  const now = spec.ipFamilies ?? [];
  const old = before.ipFamilies ?? [];
  const path = at(specPath, 'ipFamilies');
  if (old.length === now.length) {
    old.forEach((family, index) => {
      if (family !== now[index]) check.invalid(path, 0, now, fixed);
    });
    return;
  }
  if (old.length > now.length && !spec.clusterIPs?.length)
    check.invalid(path, 0, spec.ipFamilies ?? null, 'primary ipFamily can not be unset');
  if (old.length > 0 && now.length > 0 && now[0] !== old[0]) check.invalid(path, 0, spec.clusterIPs ?? null, fixed);
  if (old.length > now.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack')
    check.invalid(
      specPath,
      'ipFamilyPolicy',
      spec.ipFamilyPolicy,
      "must be set to 'SingleStack' when releasing the secondary ipFamily",
    );
}

function validateUpdate(service: Service, previous: Service): FieldError[] {
  const check = new Check();
  const spec = service.spec ?? {};
  const before = previous.spec ?? {};
  checkAddressChange(check, spec, before);
  checkFamilyChange(check, spec, before);
  checkLoadBalancerClass(check, spec, before);
  // A port that the client left out is the old one: it is filled in when the service is saved.
  const port = spec.healthCheckNodePort;
  if (needsHealthCheck(before) && needsHealthCheck(spec) && port && port !== before.healthCheckNodePort)
    check.forbidden(specPath, 'healthCheckNodePort', 'field is immutable');
  checkService(check, service, previous);
  return check.errors;
}

/** Addresses at which load balancers take traffic in, of services and of ingresses. */
function checkIngress(check: Check, path: Path, ingress: LoadBalancerIngress, stored: readonly string[]): void {
  const { ip, ipMode, hostname } = ingress;
  if (ip) checkAddress(check, path, 'ip', ip, stored);
  if (ipMode === undefined) {
    if (ip) check.required(path, 'ipMode', 'must be specified when `ip` is set');
  } else if (!ip) check.forbidden(path, 'ipMode', 'may not be specified when `ip` is not set');
  else check.oneOf(path, 'ipMode', ipMode, ['Proxy', 'VIP']);
  if (!hostname) return;
  check.dnsSubdomain(path, 'hostname', hostname);
  if (addressFamily(hostname) !== 0) check.invalid(path, 'hostname', hostname, 'must be a DNS name, not an IP address');
}

export const serviceValidation = strategyOf<Service>({
  validateName: nameIsDnsLabel,
  validate(service: Service) {
    const check = new Check();
    checkService(check, service);
    return check.errors;
  },
  validateUpdate,
  status: {
    validateUpdate(service: Service, previous: Service) {
      const check = new Check();
      const stored = previous.status?.loadBalancer?.ingress?.map(({ ip }) => ip ?? '') ?? [];
      const path = fieldPath('status', 'loadBalancer', 'ingress');
      const ingress = service.status?.loadBalancer?.ingress ?? [];
      if (ingress.length > 0 && service.spec?.type !== 'LoadBalancer')
        check.forbidden(path, '', "may only be used when `spec.type` is 'LoadBalancer'");
      else
        ingress.forEach((one, index) => {
          checkIngress(check, at(path, index), one, stored);
        });
      return check.errors;
    },
  },
});
