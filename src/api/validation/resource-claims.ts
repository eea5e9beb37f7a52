/**
 * ResourceClaims, their templates and DeviceClasses.
 * @see pkg/apis/resource/validation/validation.go
 */

import { fieldPath } from '../field-errors.ts';
import type {
  DeviceClaim,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
} from '../generated/types.ts';
import { semanticEqual } from '../kinds/semantic-equality.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { at, type Check, collect, immutableField, notPositive, type Path } from './check.ts';
import { checkTemplateMetadata } from './claim-spec.ts';
import { checkClaimStatus } from './claim-status.ts';
import {
  checkConfiguration,
  checkDeviceTolerations,
  checkFullAttribute,
  checkItems,
  checkSelectors,
  checkSet,
  configurationsMax,
} from './devices.ts';
import { hasMember } from './expressions.ts';
import { internalForm } from './internal-form.ts';
import { checkStandardFinalizers } from './metadata.ts';
import { checkRequestReference, type RequestNames, requestNamesOf, requestsMax } from './request-names.ts';
import { isExtendedResource } from './resource-names.ts';

const specPath = fieldPath('spec');
const alternativesMax = 8;
const constraintsMax = 32;

function checkDeviceClaim(check: Check, path: Path, claim: DeviceClaim): void {
  const names = requestNamesOf(claim);
  checkSet(
    check,
    at(path, 'requests'),
    claim.requests,
    requestsMax,
    (request, place) => checkRequest(check, place, request),
    (request) => request.name ?? '',
  );
  checkItems(check, at(path, 'constraints'), claim.constraints, constraintsMax, (constraint, place) => {
    checkConstraint(check, place, constraint, names);
  });
  checkItems(check, at(path, 'config'), claim.config, configurationsMax, ({ requests, opaque }, place) => {
    checkRequestList(check, at(place, 'requests'), requests, names);
    checkConfiguration(check, place, opaque);
  });
}

function checkRequestList(
  check: Check,
  path: Path,
  requests: readonly string[] | undefined,
  names: RequestNames,
): void {
  checkSet(
    check,
    path,
    requests,
    requestsMax,
    (name, place) => checkRequestReference(check, place, name, names),
    (name) => name,
  );
}

function checkRequest(check: Check, path: Path, request: DeviceRequest): void {
  const { exactly, firstAvailable } = request;
  check.dnsLabel(path, 'name', request.name ?? '');
  const choice = firstAvailable !== undefined && firstAvailable.length > 0;
  if (!choice && !exactly) check.required(path, '', 'exactly one of `exactly` or `firstAvailable` is required');
  else if (choice && exactly)
    check.invalid(
      path,
      '',
      undefined,
      'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
    );
  else if (exactly) checkAsked(check, at(path, 'exactly'), exactly);
  else
    checkSet(
      check,
      at(path, 'firstAvailable'),
      firstAvailable,
      alternativesMax,
      (alternative, place) => {
        check.dnsLabel(place, 'name', alternative.name ?? '');
        checkAsked(check, place, alternative);
      },
      (alternative) => alternative.name ?? '',
    );
}

function checkAsked(check: Check, path: Path, request: ExactDeviceRequest | DeviceSubRequest): void {
  const { deviceClassName, selectors, allocationMode = '', count = 0, tolerations } = request;
  if (!deviceClassName) check.required(path, 'deviceClassName');
  else check.dnsSubdomain(path, 'deviceClassName', deviceClassName);
  checkSelectors(check, at(path, 'selectors'), selectors);
  if (allocationMode === 'All') {
    if (count !== 0) check.invalid(path, 'count', count, "must not be specified when allocationMode is 'All'");
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) check.invalid(path, 'count', count, notPositive);
  } else check.notSupported(path, 'allocationMode', allocationMode, ['All', 'ExactCount']);
  checkDeviceTolerations(check, at(path, 'tolerations'), tolerations);
}

function checkConstraint(check: Check, path: Path, constraint: DeviceConstraint, names: RequestNames): void {
  checkRequestList(check, at(path, 'requests'), constraint.requests, names);
  const { matchAttribute, distinctAttribute } = constraint;
  if (matchAttribute !== undefined) checkFullAttribute(check, at(path, 'matchAttribute'), matchAttribute);
  else if (distinctAttribute !== undefined) checkFullAttribute(check, at(path, 'distinctAttribute'), distinctAttribute);
  else
    check.required(
      path,
      '',
      'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
    );
}

/** A spec that may not change: once it differs, nothing else is said of it. */
function checkSameSpec(check: Check, form: string, spec: unknown, previous: unknown): void {
  if (!semanticEqual(spec, previous)) check.invalid(undefined, 'spec', internalForm(form, spec), immutableField);
}

export const resourceClaimValidation = strategyOf<ResourceClaim>({
  usesExpressions: (object: ResourceClaim) => hasMember(object, 'cel'),
  validate: (claim: ResourceClaim) =>
    collect((check) => {
      checkStandardFinalizers(check, claim.metadata);
      checkDeviceClaim(check, at(specPath, 'devices'), claim.spec?.devices ?? {});
    }),
  validateUpdate: (claim: ResourceClaim, previous: ResourceClaim) =>
    collect((check) => checkSameSpec(check, 'DeviceClaimSpec', claim.spec, previous.spec)),
  status: {
    validateUpdate: (claim: ResourceClaim, previous: ResourceClaim) =>
      collect((check) => checkClaimStatus(check, claim, previous)),
  },
});

export const resourceClaimTemplateValidation = strategyOf<ResourceClaimTemplate>({
  usesExpressions: (object: ResourceClaimTemplate) => hasMember(object, 'cel'),
  validate: (template: ResourceClaimTemplate) =>
    collect((check) => {
      checkStandardFinalizers(check, template.metadata);
      checkTemplateMetadata(check, at(specPath, 'metadata'), template.spec?.metadata);
      checkDeviceClaim(check, at(at(specPath, 'spec'), 'devices'), template.spec?.spec?.devices ?? {});
    }),
  validateUpdate: (template: ResourceClaimTemplate, previous: ResourceClaimTemplate) =>
    collect((check) => checkSameSpec(check, 'ClaimTemplateSpec', template.spec, previous.spec)),
});

function checkClass(check: Check, deviceClass: DeviceClass, previous: DeviceClass | undefined): void {
  const { selectors, config, extendedResourceName } = deviceClass.spec ?? {};
  const before = previous?.spec;
  // What was accepted once stays so, whatever became stricter since.
  const storedSelectors = previous !== undefined && semanticEqual(selectors, before?.selectors);
  const storedConfig = previous !== undefined && semanticEqual(config, before?.config);
  checkSelectors(check, at(specPath, 'selectors'), selectors, storedSelectors);
  checkItems(check, at(specPath, 'config'), config, configurationsMax, ({ opaque }, place) => {
    checkConfiguration(check, place, opaque, storedConfig);
  });
  if (extendedResourceName !== undefined && !isExtendedResource(extendedResourceName))
    check.invalid(specPath, 'extendedResourceName', extendedResourceName, 'must be a valid extended resource name');
}

export const deviceClassValidation = strategyOf<DeviceClass>({
  usesExpressions: (object: DeviceClass) => hasMember(object, 'cel'),
  validate: (deviceClass: DeviceClass) =>
    collect((check) => {
      checkStandardFinalizers(check, deviceClass.metadata);
      checkClass(check, deviceClass, undefined);
    }),
  validateUpdate: (deviceClass: DeviceClass, previous: DeviceClass) =>
    collect((check) => checkClass(check, deviceClass, previous)),
});
