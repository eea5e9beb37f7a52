import { describe, expect, it } from 'vitest';
import { JsonPathError, parseJsonPath } from '../../src/api/index.ts';

const object = {
  metadata: { name: 'p', labels: { 'app.io/name': 'web', plain: 'x' } },
  spec: {
    replicas: 3,
    ports: [
      { port: 80, name: 'a' },
      { port: 443, name: 'b' },
    ],
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Disk', status: 'False' },
    ],
  },
};

describe('parseJsonPath', () => {
  it.each([
    ['.spec.replicas', [3]],
    ['{.metadata.name}', ['p']],
    ['$.metadata.name', ['p']],
    ['metadata.name', ['p']],
    ['.metadata.labels.app\\.io/name', ['web']],
    [".metadata.labels['app.io/name']", ['web']],
    ['.spec.ports[0].port', [80]],
    ['.spec.ports[-1].port', [443]],
    ['.spec.ports[-1:].port', [443]],
    ['.spec.ports[0:1].port', [80]],
    ['.spec.ports[*].port', [80, 443]],
    ['.spec.ports[0,1].name', ['a', 'b']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type=='Disk')].status", ['False']],
    ['.spec.ports[?(@.port>100)].name', ['b']],
    ['.spec.ports[?(@.nope)].name', []],
    ['..port', [80, 443]],
    ['.spec.nope.deeper', []],
    ['.constructor', []],
    ['.spec.ports.*.port', [80, 443]],
  ])('%s reads %j', (path, values) => {
    expect(parseJsonPath(path)(object)).toEqual(values);
  });

  it.each(['.spec[', '.spec[x]', '.a]', '.a[?(]'])('refuses %s', (path) => {
    expect(() => parseJsonPath(path)).toThrow(JsonPathError);
  });
});
