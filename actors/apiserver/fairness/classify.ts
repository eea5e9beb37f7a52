/**
 * Which FlowSchema a request belongs to: the one of the lowest precedence that matches, as the objects say at the moment. What
 * users ask over and over is remembered until a schema changes. @see staging/src/k8s.io/apiserver/pkg/util/flowcontrol/rule.go
 */
import type { ApiObject } from '../../../src/api/index.ts';
import type { Identity } from '../call.ts';

/** A request, as schemas look at it. A path that is no resource has no resource. */
export interface FlowRequest {
  readonly user: Identity;
  readonly verb: string;
  readonly path?: string | undefined;
  readonly group: string;
  /** Told of in dumps alone, as is the name. */
  readonly version?: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name?: string;
}

export interface Schema {
  readonly name: string;
  readonly uid: string;
  readonly level: string;
  readonly precedence: number;
  readonly distinguisher: 'ByUser' | 'ByNamespace' | undefined;
  matches(request: FlowRequest): boolean;
}

interface Subject {
  readonly kind: string;
  readonly user?: { readonly name: string };
  readonly group?: { readonly name: string };
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
}

interface PolicyRules {
  readonly subjects?: readonly Subject[];
  readonly resourceRules?: readonly {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly clusterScope?: boolean;
    readonly namespaces?: readonly string[];
  }[];
  readonly nonResourceRules?: readonly {
    readonly verbs: readonly string[];
    readonly nonResourceURLs: readonly string[];
  }[];
}

interface SchemaSpec {
  readonly matchingPrecedence?: number;
  readonly priorityLevelConfiguration?: { readonly name: string };
  readonly distinguisherMethod?: { readonly type: 'ByUser' | 'ByNamespace' } | null;
  readonly rules?: readonly PolicyRules[];
}

/** Compiles the schemas into the order in which they are tried. */
export function compileSchemas(objects: Iterable<ApiObject>): Schema[] {
  const schemas = [...objects].map((object): Schema => {
    const spec = (object['spec'] ?? {}) as SchemaSpec;
    return {
      name: object.metadata.name ?? '',
      uid: String(object.metadata['uid'] ?? ''),
      level: spec.priorityLevelConfiguration?.name ?? '',
      precedence: spec.matchingPrecedence ?? 1000,
      distinguisher: spec.distinguisherMethod?.type,
      matches: (request) => (spec.rules ?? []).some((rules) => policyMatches(rules, request)),
    };
  });
  return schemas.sort((a, b) => a.precedence - b.precedence || (a.name < b.name ? -1 : 1));
}

function policyMatches(rules: PolicyRules, request: FlowRequest): boolean {
  const what =
    request.path === undefined
      ? (rules.resourceRules ?? []).some(
          (rule) =>
            has(rule.verbs, request.verb) &&
            has(rule.apiGroups, request.group) &&
            has(
              rule.resources,
              request.subresource === '' ? request.resource : `${request.resource}/${request.subresource}`,
            ) &&
            (request.namespace === '' ? rule.clusterScope === true : has(rule.namespaces ?? [], request.namespace)),
        )
      : (rules.nonResourceRules ?? []).some(
          (rule) =>
            has(rule.verbs, request.verb) &&
            rule.nonResourceURLs.some((url) => pathMatches(url, request.path as string)),
        );
  return what && (rules.subjects ?? []).some((subject) => subjectMatches(subject, request.user));
}

function has(list: readonly string[], value: string): boolean {
  return list.includes(value) || list.includes('*');
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1)));
}

function subjectMatches({ kind, user, group, serviceAccount }: Subject, who: Identity): boolean {
  switch (kind) {
    case 'User':
      return user?.name === '*' || user?.name === who.user;
    case 'Group':
      return group?.name === '*' || who.groups.includes(group?.name ?? '');
    case 'ServiceAccount': {
      const { namespace = '', name = '' } = serviceAccount ?? {};
      const prefix = `system:serviceaccount:${namespace}:`;
      return name === '*' ? who.user.startsWith(prefix) : who.user === prefix + name;
    }
    default:
      return false;
  }
}
