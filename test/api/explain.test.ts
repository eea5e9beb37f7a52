import { describe, expect, it } from 'vitest';
import { explain } from '../../src/api/explain.ts';
import { schemaOf } from '../../src/api/index.ts';
import { parseJsonNode } from '../../src/api/json-text.ts';

const explainPod = (text: string) => explain(parseJsonNode(text), schemaOf('io.k8s.api.core.v1.Pod'));

describe('explain', () => {
  it('finds nothing wrong with what is right', () => {
    expect(explainPod('{"spec":{"containers":[{"name":"c"}]},"metadata":{"labels":{"a":"b"}}}')).toEqual({
      error: undefined,
      strict: [],
    });
  });

  it('names the first thing that is wrong, in the order of the text', () => {
    expect(explainPod('{"spec":{"nodeName":1,"hostNetwork":"x"}}').error).toBe(
      'json: cannot unmarshal number into Go struct field PodSpec.spec.nodeName of type string',
    );
    expect(explainPod('{"spec":{"hostNetwork":"x","nodeName":1}}').error).toContain(
      'PodSpec.spec.hostNetwork of type bool',
    );
  });

  it('names parts that a type inherits from, and named types', () => {
    expect(explainPod('{"spec":{"volumes":[{"emptyDir":{"medium":1}}]}}').error).toBe(
      'json: cannot unmarshal number into Go struct field EmptyDirVolumeSource.spec.volumes.VolumeSource.emptyDir.medium of type v1.StorageMedium',
    );
    expect(explainPod('{"spec":"x"}').error).toBe(
      'json: cannot unmarshal string into Go struct field Pod.spec of type v1.PodSpec',
    );
    expect(explainPod('{"spec":{"containers":["x"]}}').error).toContain('of type v1.Container');
    expect(explainPod('[]').error).toBe('json: cannot unmarshal array into Go value of type v1.Pod');
  });

  it('lists unknown and repeated fields, a hundred at most', () => {
    expect(explainPod('{"a":1,"metadata":{"labels":{"x":"1","x":"2"}},"metadata":{}}').strict).toEqual([
      'unknown field "a"',
      'duplicate field "metadata.labels.x"',
      'duplicate field "metadata"',
    ]);
    const many = Array.from({ length: 150 }, (_, index) => `"z${index}":1`).join(',');
    expect(explainPod(`{${many}}`).strict).toHaveLength(100);
  });

  it('says where base64 goes wrong', () => {
    const secret = (data: string) =>
      explain(parseJsonNode(`{"data":{"a":"${data}"}}`), schemaOf('io.k8s.api.core.v1.Secret')).error;
    expect(secret('YQ==')).toBeUndefined();
    expect(secret('1')).toBe('illegal base64 data at input byte 0');
    expect(secret('YWJj!A==')).toBe('illegal base64 data at input byte 4');
  });
});
