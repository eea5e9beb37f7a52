/**
 * APIServices: which server answers for a group and version.
 * @see kube-aggregator/pkg/apis/apiregistration/validation/validation.go
 */
import { fieldPath } from '../field-errors.ts';
import type { APIService, APIServiceSpec } from '../generated/types.ts';
import { quote } from '../go-text.ts';
import { strategyOf } from '../kinds/strategy-of.ts';
import { validateDns1035Label } from '../names.ts';
import { at, type Check, collect } from './check.ts';

const specPath = fieldPath('spec');

function checkApiService(check: Check, service: APIService): void {
  const spec: Partial<APIServiceSpec> = service.spec ?? {};
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0, caBundle = '' } = spec;
  const name = `${version}.${group}`;
  if (service.metadata?.name !== name)
    check.invalid(
      fieldPath('metadata'),
      'name',
      service.metadata?.name ?? '',
      `must be \`spec.version+"."+spec.group\`: ${quote(name)}`,
    );
  if (group === '' && version !== 'v1')
    check.required(specPath, 'group', 'only v1 may have an empty group and it better be legacy kube');
  if (group !== '') check.dnsSubdomain(specPath, 'group', group);
  check.all(specPath, 'version', version, validateDns1035Label(version));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20_000)
    check.invalid(specPath, 'groupPriorityMinimum', groupPriorityMinimum, 'must be positive and less than 20000');
  if (versionPriority <= 0 || versionPriority > 1000)
    check.invalid(specPath, 'versionPriority', versionPriority, 'must be positive and less than 1000');
  const insecure = spec.insecureSkipTLSVerify === true;
  if (!spec.service) {
    if (caBundle !== '') {
      const bytes = Buffer.from(caBundle, 'base64').length;
      check.invalid(specPath, 'caBundle', `${bytes} bytes`, 'local APIServices may not have a caBundle');
    }
    if (insecure)
      check.invalid(specPath, 'insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify');
    return;
  }
  const place = at(specPath, 'service');
  check.present(place, 'namespace', spec.service.namespace);
  check.present(place, 'name', spec.service.name);
  const { port } = spec.service;
  if (port !== undefined && (port < 1 || port > 65_535))
    check.invalid(place, 'port', port, 'port is not valid: must be between 1 and 65535, inclusive');
  if (insecure && caBundle !== '')
    check.invalid(specPath, 'insecureSkipTLSVerify', true, 'may not be true if caBundle is present');
}

const validate = (service: APIService) => collect((check) => checkApiService(check, service));

export const apiServiceValidation = strategyOf<APIService>({
  validate,
  validateUpdate: validate,
  status: {
    validateUpdate: ({ status }: APIService) =>
      collect((check) => {
        status?.conditions?.forEach((condition, index) => {
          const place = at(at(fieldPath('status'), 'conditions'), index);
          check.oneOf(place, 'status', condition.status, ['True', 'False', 'Unknown']);
        });
      }),
  },
});
