/**
 * Ingresses, ingress classes and network policies.
 * @see pkg/apis/networking/validation/validation.go
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressClass,
  IngressRule,
  IPAddress,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import {
  validateDnsLabel,
  validateDnsSubdomain,
  validatePathSegmentName,
  validatePortName,
  validateWildcardSubdomain,
} from '../names.ts';
import { addressFamily, checkAddress, checkRange, isInside, rangeFamily, strictAddressMessages } from './addresses.ts';
import { at, type Check, collect, type Path, type Step } from './check.ts';
import { internalForm } from './internal-form.ts';
import { checkLabelSelector } from './label-selector.ts';
import { checkStandardFinalizers } from './metadata.ts';

const specPath = fieldPath('spec');
const classAnnotation = 'kubernetes.io/ingress.class';

function checkHost(check: Check, path: Path, step: Step, host: string): void {
  check.all(path, step, host, host.includes('*') ? validateWildcardSubdomain(host) : validateDnsSubdomain(host));
}

function checkReference(
  check: Check,
  path: Path,
  reference: { readonly apiGroup?: string | null | undefined; readonly kind?: string; readonly name?: string },
): void {
  // Null where nobody gave it, since it is always written.
  if (typeof reference.apiGroup === 'string') check.dnsSubdomain(path, 'apiGroup', reference.apiGroup);
  for (const field of ['kind', 'name'] as const) {
    const value = reference[field];
    if (!value) check.required(path, field);
    else check.all(path, field, value, validatePathSegmentName(value));
  }
}

function checkBackend(check: Check, path: Path, backend: IngressBackend): void {
  const { resource, service } = backend;
  if (resource && service) {
    check.invalid(path, '', '', 'cannot set both resource and service backends');
    return;
  }
  if (resource) {
    checkReference(check, at(path, 'resource'), resource);
    return;
  }
  if (!service) {
    check.invalid(path, '', '', 'resource or service backend is required');
    return;
  }
  const here = at(path, 'service');
  if (!service.name) check.required(here, 'name');
  else check.all(here, 'name', service.name, validateDnsLabel(service.name));
  const { name, number } = service.port ?? {};
  if (name && number) check.invalid(path, '', '', 'cannot set both port name & port number');
  else if (name) check.all(at(here, 'port'), 'name', name, validatePortName(name));
  else if (number) check.portNumber(at(here, 'port'), 'number', number);
  else check.required(path, '', 'port name or number is required');
}

function checkPath(check: Check, path: Path, rule: HTTPIngressPath): void {
  const { path: url = '', pathType } = rule;
  if (!pathType) {
    check.required(path, 'pathType', 'pathType must be specified');
    return;
  }
  const absolute = url.startsWith('/');
  if (pathType === 'Exact' || pathType === 'Prefix') {
    if (!absolute) check.invalid(path, 'path', url, 'must be an absolute path');
    for (const part of ['//', '/./', '/../', '%2f', '%2F'])
      if (url.includes(part)) check.invalid(path, 'path', url, `must not contain '${part}'`);
    for (const end of ['/..', '/.'])
      if (url.endsWith(end)) check.invalid(path, 'path', url, `cannot end with '${end}'`);
  } else if (pathType === 'ImplementationSpecific') {
    if (url !== '' && !absolute) check.invalid(path, 'path', url, 'must be an absolute path');
  } else check.notSupported(path, 'pathType', pathType, ['Exact', 'ImplementationSpecific', 'Prefix']);
  checkBackend(check, at(path, 'backend'), rule.backend ?? {});
}

/** What an update tolerates because it was stored so. */
interface Tolerated {
  readonly secretNames?: boolean;
  readonly wildcardPaths?: boolean;
}

function checkPaths(check: Check, place: Path, { http }: IngressRule): void {
  if (!http) return;
  const paths = at(at(place, 'http'), 'paths');
  if (!http.paths?.length) check.required(paths, '');
  http.paths?.forEach((one, order) => {
    checkPath(check, at(paths, order), one);
  });
}

function toleratedIn({ spec }: Ingress): Tolerated {
  const wildcards = spec?.rules?.filter(({ host }) => host?.includes('*')) ?? [];
  return {
    secretNames:
      spec?.tls?.some(({ secretName }) => secretName && validateDnsSubdomain(secretName).length > 0) ?? false,
    wildcardPaths: wildcards.some((rule) => collect((check) => checkPaths(check, undefined, rule)).length > 0),
  };
}

function checkIngress(check: Check, ingress: Ingress, tolerated: Tolerated = {}): void {
  checkStandardFinalizers(check, ingress.metadata);
  const { rules = [], defaultBackend, tls = [], ingressClassName } = ingress.spec ?? {};
  if (rules.length === 0 && !defaultBackend)
    check.invalid(undefined, 'spec', null, 'either `defaultBackend` or `rules` must be specified');
  if (defaultBackend) checkBackend(check, at(specPath, 'defaultBackend'), defaultBackend);
  rules.forEach((rule, index) => {
    const { host } = rule;
    const place = at(at(specPath, 'rules'), index);
    if (host) {
      if (addressFamily(host) !== 0) check.invalid(place, 'host', host, 'must be a DNS name, not an IP address');
      checkHost(check, place, 'host', host);
    }
    if (!host?.includes('*') || !tolerated.wildcardPaths) checkPaths(check, place, rule);
  });
  tls.forEach(({ hosts, secretName }, index) => {
    const place = at(at(specPath, 'tls'), index);
    hosts?.forEach((host, order) => {
      checkHost(check, at(place, 'hosts'), order, host);
    });
    if (secretName && !tolerated.secretNames) check.dnsSubdomain(place, 'secretName', secretName);
  });
  if (ingressClassName !== undefined) check.dnsSubdomain(specPath, 'ingressClassName', ingressClassName);
}

export const ingressValidation = strategyOf<Ingress>({
  validate: (ingress: Ingress) =>
    collect((check) => {
      checkIngress(check, ingress);
      const annotation = ingress.metadata?.annotations?.[classAnnotation];
      const name = ingress.spec?.ingressClassName;
      if (annotation !== undefined && name !== undefined && annotation !== name)
        check.invalid(
          fieldPath('annotations'),
          classAnnotation,
          annotation,
          'must match `ingressClassName` when both are specified',
        );
    }),
  validateUpdate: (ingress: Ingress, previous: Ingress) =>
    collect((check) => checkIngress(check, ingress, toleratedIn(previous))),
  status: {
    validateUpdate: (ingress: Ingress) =>
      collect((check) => {
        ingress.status?.loadBalancer?.ingress?.forEach(({ ip, hostname }, index) => {
          const place = at(fieldPath('status', 'loadBalancer', 'ingress'), index);
          if (ip) checkAddress(check, place, 'ip', ip);
          if (!hostname) return;
          check.dnsSubdomain(place, 'hostname', hostname);
          if (addressFamily(hostname) !== 0)
            check.invalid(place, 'hostname', hostname, 'must be a DNS name, not an IP address');
        });
      }),
  },
});

const pathPattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const pathExpression = new RegExp(`^(?:${pathPattern})$`);

/** A domain, a slash and a path behind it. */
export function checkDomainPrefixed(check: Check, path: Path, step: Step, text: string): void {
  const slash = text.indexOf('/');
  if (slash <= 0 || slash === text.length - 1) {
    check.invalid(path, step, text, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  const domain = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  check.all(path, step, domain, validateDnsSubdomain(domain));
  if (!pathExpression.test(rest))
    check.invalid(path, step, rest, `Invalid path (regex used for validation is '${pathPattern}')`);
}

/** The same for texts outside objects; `field` is the whole path of the text. */
export function domainPathErrors(field: string, text: string): FieldError[] {
  const dot = field.lastIndexOf('.');
  return collect((check) => checkDomainPrefixed(check, fieldPath(field.slice(0, dot)), field.slice(dot + 1), text));
}

function checkClass(check: Check, ingressClass: IngressClass): void {
  checkStandardFinalizers(check, ingressClass.metadata);
  const { controller, parameters } = ingressClass.spec ?? {};
  if (!controller) check.required(specPath, 'controller');
  else {
    if (controller.length > 250) check.tooLong(specPath, 'controller', 250);
    checkDomainPrefixed(check, specPath, 'controller', controller);
  }
  if (!parameters) return;
  const path = at(specPath, 'parameters');
  checkReference(check, path, parameters);
  const { scope, namespace } = parameters;
  if (scope === undefined) check.required(path, 'scope');
  else if (scope === 'Namespace') {
    if (namespace === undefined) check.required(path, 'namespace', "`parameters.scope` is set to 'Namespace'");
    else check.dnsLabel(path, 'namespace', namespace);
  } else if (scope === 'Cluster') {
    if (namespace !== undefined) check.forbidden(path, 'namespace', "`parameters.scope` is set to 'Cluster'");
  } else check.notSupported(path, 'scope', scope, ['Cluster', 'Namespace']);
}

export const ingressClassValidation = strategyOf<IngressClass>({
  validate: (ingressClass: IngressClass) => collect((check) => checkClass(check, ingressClass)),
  validateUpdate: (ingressClass: IngressClass, previous: IngressClass) =>
    collect((check) => {
      const controller = ingressClass.spec?.controller ?? '';
      check.unchanged(specPath, 'controller', controller, controller === (previous.spec?.controller ?? ''));
      checkClass(check, ingressClass);
    }),
});

function checkPolicyPort(check: Check, path: Path, { port, endPort, protocol }: NetworkPolicyPort): void {
  if (protocol !== undefined) check.oneOf(path, 'protocol', protocol, ['TCP', 'UDP', 'SCTP']);
  if (port === undefined) {
    if (endPort !== undefined)
      check.invalid(path, 'endPort', endPort, 'may not be specified when `port` is not specified');
  } else if (typeof port === 'number') {
    check.portNumber(path, 'port', port);
    if (endPort === undefined) return;
    if (endPort < port) check.invalid(path, 'endPort', endPort, 'must be greater than or equal to `port`');
    check.portNumber(path, 'endPort', endPort);
  } else {
    if (endPort !== undefined)
      check.invalid(path, 'endPort', endPort, 'may not be specified when `port` is non-numeric');
    check.all(path, 'port', port, validatePortName(port));
  }
}

/** What an update of a policy tolerates, as it was stored so: values of selectors, and ranges. */
interface PolicyTolerance {
  readonly strict: boolean;
  readonly stored: readonly string[];
}

function toleratedInPolicy({ spec }: NetworkPolicy): PolicyTolerance {
  const before = collect((check) => checkLabelSelector(check, spec?.podSelector, undefined, ''));
  const peers = [...(spec?.ingress ?? []).map(({ from }) => from), ...(spec?.egress ?? []).map(({ to }) => to)];
  const blocks = peers.flatMap((list) => list ?? []).flatMap(({ ipBlock }) => ipBlock ?? []);
  return { strict: before.length === 0, stored: blocks.flatMap(({ cidr, except = [] }) => [cidr, ...except]) };
}

function checkPeer(check: Check, path: Path, peer: NetworkPolicyPeer, { strict, stored }: PolicyTolerance): void {
  const { podSelector, namespaceSelector, ipBlock } = peer;
  checkLabelSelector(check, podSelector, path, 'podSelector', strict);
  checkLabelSelector(check, namespaceSelector, path, 'namespaceSelector', strict);
  if (ipBlock) {
    const here = at(path, 'ipBlock');
    if (!ipBlock.cidr) check.required(here, 'cidr');
    else {
      const { cidr, except = [] } = ipBlock;
      checkRange(check, here, 'cidr', cidr, stored);
      const parts = rangeFamily(cidr) === 0 ? [] : except;
      parts.forEach((range, index) => {
        const place = at(here, 'except');
        checkRange(check, place, index, range, stored);
        if (rangeFamily(range) !== 0 && !isInside(range, cidr))
          check.invalid(place, index, range, 'must be a strict subset of `cidr`');
      });
    }
  }
  if (!podSelector && !namespaceSelector && !ipBlock) check.required(path, '', 'must specify a peer');
  else if (ipBlock && (podSelector || namespaceSelector))
    check.forbidden(path, '', 'may not specify both ipBlock and another peer');
}

function checkPolicy(
  check: Check,
  policy: NetworkPolicy,
  tolerated: PolicyTolerance = { strict: true, stored: [] },
): void {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = policy.spec ?? {};
  checkLabelSelector(check, podSelector, specPath, 'podSelector', tolerated.strict);
  const rules = (
    field: string,
    peersField: string,
    list: readonly {
      readonly ports?: NetworkPolicyPort[] | undefined;
      readonly peers?: NetworkPolicyPeer[] | undefined;
    }[],
  ): void => {
    list.forEach(({ ports, peers }, index) => {
      const place = at(at(specPath, field), index);
      ports?.forEach((port, order) => {
        checkPolicyPort(check, at(at(place, 'ports'), order), port);
      });
      peers?.forEach((peer, order) => {
        checkPeer(check, at(at(place, peersField), order), peer, tolerated);
      });
    });
  };
  rules(
    'ingress',
    'from',
    ingress.map(({ ports, from }) => ({ ports, peers: from })),
  );
  rules(
    'egress',
    'to',
    egress.map(({ ports, to }) => ({ ports, peers: to })),
  );
  if (policyTypes.length > 2) {
    check.invalid(specPath, 'policyTypes', policyTypes, 'may not specify more than two policyTypes');
    return;
  }
  policyTypes.forEach((type, index) => {
    check.oneOf(at(specPath, 'policyTypes'), index, type, ['Ingress', 'Egress']);
  });
}

export const ipAddressValidation = strategyOf<IPAddress>({
  // Names of IPAddresses are addresses, in the one way to write each.
  validateName: strictAddressMessages,
  validate: (address: IPAddress) =>
    collect((check) => {
      const parent = address.spec?.parentRef;
      if (!parent) {
        check.required(specPath, 'parentRef');
        return;
      }
      const path = at(specPath, 'parentRef');
      if (parent.group) check.dnsSubdomain(path, 'group', parent.group);
      for (const field of ['resource', 'name'] as const) {
        const value = parent[field];
        if (!value) check.required(path, field);
        else check.all(path, field, value, validatePathSegmentName(value));
      }
      if (parent.namespace) check.all(path, 'namespace', parent.namespace, validatePathSegmentName(parent.namespace));
    }),
  validateUpdate: (address: IPAddress, previous: IPAddress) =>
    collect((check) => {
      const parent = address.spec?.parentRef;
      check.unchanged(
        specPath,
        'parentRef',
        internalForm('ParentReference', parent),
        semanticEqual(parent, previous.spec?.parentRef),
      );
    }),
});

export const networkPolicyValidation = strategyOf<NetworkPolicy>({
  validate: (policy: NetworkPolicy) =>
    collect((check) => {
      checkStandardFinalizers(check, policy.metadata);
      checkPolicy(check, policy);
    }),
  validateUpdate: (policy: NetworkPolicy, previous: NetworkPolicy) =>
    collect((check) => checkPolicy(check, policy, toleratedInPolicy(previous))),
});
