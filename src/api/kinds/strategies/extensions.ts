/**
 * Strategies of the kinds that extend the API itself: CustomResourceDefinition and APIService.
 * @see apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go, kube-aggregator/pkg/registry/apiservice/strategy.go
 */
import type { APIService, CustomResourceDefinition } from '../../generated/types.ts';
import { strategyOf } from '../strategy-of.ts';
import { pathSegmentName } from './name-rules.ts';

export const customResourceDefinitionStrategy = strategyOf<CustomResourceDefinition>({
  defaults(definition: CustomResourceDefinition) {
    const spec = definition.spec;
    if (spec === undefined) return;
    if (spec.names !== undefined) {
      spec.names.singular ||= (spec.names.kind ?? '').toLowerCase();
      if (!spec.names.listKind && spec.names.kind) spec.names.listKind = `${spec.names.kind}List`;
    }
    spec.conversion ??= { strategy: 'None' };
    const service = spec.conversion.webhook?.clientConfig?.service;
    if (service !== undefined) service.port ??= 443;
  },
  generation: true,
  initialStatus: () => ({ conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: null }),
  prepareForCreate(definition: CustomResourceDefinition) {
    const version = storageVersion(definition);
    if (version !== undefined) definition.status!.storedVersions = [version];
  },
  prepareForUpdate(definition: CustomResourceDefinition) {
    const version = storageVersion(definition);
    const status = definition.status;
    if (version === undefined || status === undefined || status.storedVersions?.includes(version)) return;
    definition.status = { ...status, storedVersions: [...(status.storedVersions ?? []), version] };
  },
  allowUnconditionalUpdate: false,
});

/** Every version that was ever stored must be known, so that none is dropped while objects are stored in it. */
function storageVersion(definition: CustomResourceDefinition): string | undefined {
  return definition.spec?.versions?.find((version) => version.storage)?.name;
}

export const apiServiceStrategy = strategyOf<APIService>({
  validateName: pathSegmentName,
  defaults(service: APIService) {
    if (service.spec?.service !== undefined) service.spec.service.port ??= 443;
  },
  generation: false,
  prepareForCreate(service: APIService, context) {
    // What this server answers itself is available from the start.
    if (service.spec?.service !== undefined) return;
    service.status = {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: context.now,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    };
  },
  allowUnconditionalUpdate: false,
});
