/**
 * Nodes: taints, ranges of pod addresses and amounts.
 * @see ValidateNode, ValidateNodeUpdate
 */
import { type FieldError, fieldPath } from '../field-errors.ts';
import type { Node, NodeConfigSource, Taint } from '../generated/types.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateConfigMapKey, validateLabelValue } from '../names.ts';
import { checkRange, rangeFamily } from './addresses.ts';
import { checkTaintEffect } from './affinity.ts';
import { at, Check, type Path } from './check.ts';
import { internalForm } from './internal-form.ts';
import { checkStandardFinalizers } from './metadata.ts';
import { checkAmount } from './resource-names.ts';

const metadataPath = fieldPath('metadata');
const specPath = fieldPath('spec');

function checkTaints(check: Check, path: Path, taints: readonly Taint[]): void {
  const seen = new Set<string>();
  taints.forEach((taint, index) => {
    const place = at(path, index);
    const { key = '', value = '', effect = '' } = taint;
    check.qualifiedName(place, 'key', key);
    const messages = validateLabelValue(value);
    if (messages.length > 0) check.invalid(place, 'value', value, messages.join(';'));
    if (effect === '') check.required(place, 'effect');
    else checkTaintEffect(check, place, 'effect', effect);
    const pair = `${effect}/${key}`;
    if (seen.has(pair)) {
      check.errors.push({
        type: 'FieldValueDuplicate',
        field: String(place),
        value: internalForm('Taint', taint),
        detail: 'taints must be unique by key and effect pair',
      });
    }
    seen.add(pair);
  });
}

function checkAmounts(check: Check, node: Node): void {
  for (const list of ['capacity', 'allocatable'] as const) {
    const amounts = node.status?.[list];
    for (const name in amounts) checkAmount(check, fieldPath('status', list, name), name, amounts[name] as string);
  }
}

function validate(node: Node, previous?: Node): FieldError[] {
  const check = new Check();
  checkStandardFinalizers(check, node.metadata);
  if (node.spec?.taints?.length) checkTaints(check, at(metadataPath, 'taints'), node.spec.taints);
  checkAmounts(check, node);
  const ranges = node.spec?.podCIDRs ?? [];
  const path = at(specPath, 'podCIDRs');
  ranges.forEach((range, index) => {
    checkRange(check, path, index, range, previous?.spec?.podCIDRs);
  });
  if (ranges.length > 1) {
    if (new Set(ranges.map(rangeFamily)).size < 2 || ranges.length > 2)
      check.invalid(path, '', ranges, 'may specify no more than one CIDR for each IP family');
  }
  return check.errors;
}

/** What holds for updates of nodes and of their status. */
function validateChange(node: Node, previous: Node): FieldError[] {
  const check = new Check();
  checkStandardFinalizers(check, node.metadata);
  checkAmounts(check, node);
  const addresses = new Set<string>();
  node.status?.addresses?.forEach((address, index) => {
    const key = `${address.type}/${address.address}`;
    if (addresses.has(key))
      check.duplicate(fieldPath('status', 'addresses'), index, internalForm('NodeAddress', address));
    addresses.add(key);
  });
  const ranges = node.spec?.podCIDRs ?? [];
  const before = previous.spec?.podCIDRs ?? [];
  const rangeText = 'node updates may not change podCIDR except from "" to valid';
  if (before.length > 0 && before.length !== ranges.length) check.forbidden(specPath, 'podCIDRs', rangeText);
  else
    before.forEach((range, index) => {
      if (range !== ranges[index]) check.forbidden(specPath, 'podCIDRs', rangeText);
    });
  const provider = previous.spec?.providerID;
  if (provider && provider !== node.spec?.providerID)
    check.forbidden(specPath, 'providerID', 'node updates may not change providerID except from "" to valid');
  if (node.spec?.configSource) checkConfigSource(check, at(specPath, 'configSource'), node.spec.configSource, false);
  const config = node.status?.config;
  for (const field of ['assigned', 'active', 'lastKnownGood'] as const) {
    const source = config?.[field];
    if (source) checkConfigSource(check, fieldPath('status', 'config', field), source, true);
  }
  if (node.spec?.taints?.length) checkTaints(check, at(metadataPath, 'taints'), node.spec.taints);
  if ((node.spec?.externalID ?? '') !== (previous.spec?.externalID ?? ''))
    check.forbidden(specPath, 'externalID', 'may not be updated');
  return check.errors;
}

function checkConfigSource(check: Check, path: Path, source: NodeConfigSource, ofStatus: boolean): void {
  const { configMap } = source;
  if (!configMap) {
    const value = internalForm('NodeConfigSource', source);
    check.invalid(path, '', value, 'exactly one reference subfield must be non-nil');
    return;
  }
  const here = at(path, 'configMap');
  for (const field of ['uid', 'resourceVersion'] as const) {
    if (ofStatus && !configMap[field]) check.required(here, field);
    if (!ofStatus && configMap[field]) check.forbidden(here, field, `${field} must not be set in spec`);
  }
  if (!configMap.namespace) check.required(here, 'namespace');
  else check.dnsLabel(here, 'namespace', configMap.namespace);
  if (!configMap.name) check.required(here, 'name');
  else check.dnsSubdomain(here, 'name', configMap.name);
  const key = configMap.kubeletConfigKey;
  if (!key) check.required(here, 'kubeletConfigKey');
  else check.all(here, 'kubeletConfigKey', key, validateConfigMapKey(key));
}

export const nodeValidation = strategyOf<Node>({
  validate: (node: Node) => validate(node),
  // Upstream looks at a changed node as at a new one first, and tells of both.
  validateUpdate: (node: Node, previous: Node) => [...validate(node, previous), ...validateChange(node, previous)],
  metadataOnUpdate: ['whole', 'changes'],
  status: { validateUpdate: validateChange },
});
