import { describe, expect, it } from 'vitest';
import { policyTypeWarnings } from '../../../src/api/cel/index.ts';
import { schemaOf } from '../../../src/api/index.ts';

const deployment = { text: 'apps/v1, Kind=Deployment', schema: schemaOf('io.k8s.api.apps.v1.Deployment') };
const service = { text: '/v1, Kind=Service', schema: schemaOf('io.k8s.api.core.v1.Service') };

describe('warnings about the types of a policy', () => {
  it('name the expression, the kinds and the place', () => {
    const validations = [{ expression: 'object.spec.replicas > 1' }, { expression: "object.spec.nope == 'x'" }];
    expect(policyTypeWarnings({ validations }, [deployment, service], undefined)).toEqual([
      {
        fieldRef: 'spec.validations[0].expression',
        warning:
          "/v1, Kind=Service: ERROR: <input>:1:12: undefined field 'replicas'\n | object.spec.replicas > 1\n | ...........^\n",
      },
      {
        fieldRef: 'spec.validations[1].expression',
        warning: ['apps/v1, Kind=Deployment', '/v1, Kind=Service']
          .map(
            (kind) =>
              `${kind}: ERROR: <input>:1:12: undefined field 'nope'\n | object.spec.nope == 'x'\n | ...........^\n`,
          )
          .join('\n'),
      },
    ]);
  });

  it('follow fields through lists, maps, variables and params', () => {
    const policy = {
      paramKind: {},
      variables: [{ name: 'containers', expression: 'object.spec.template.spec.containers' }],
      validations: [
        {
          expression:
            "variables.containers.all(c, c.image.startsWith(params.data['registry']) && !has(c.resources.limits))",
        },
        { expression: 'variables.containers.all(c, c.imagee != "")' },
        { expression: 'true', messageExpression: 'string(object.metadata.labels["a"].size()) + params.daata' },
      ],
    };
    const params = schemaOf('io.k8s.api.core.v1.ConfigMap');
    const found = policyTypeWarnings(policy, [deployment], params);
    expect(found.map(({ fieldRef }) => fieldRef)).toEqual([
      'spec.validations[1].expression',
      'spec.validations[2].messageExpression',
    ]);
    expect(found[0]?.warning).toContain("undefined field 'imagee'");
    expect(found[1]?.warning).toContain("undefined field 'daata'");
  });
});
