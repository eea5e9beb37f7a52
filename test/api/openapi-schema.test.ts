import { describe, expect, it } from 'vitest';
import { DefinitionCollector, descriptionOf, referenceTo } from '../../src/api/openapi-schema.ts';

describe('DefinitionCollector', () => {
  it('collects a definition with all that it refers to, also to itself', () => {
    const collector = new DefinitionCollector('v3');
    const name = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
    expect(collector.refer(name)).toEqual({ $ref: `#/components/schemas/${name}` });
    expect(Object.fromEntries(collector.take())[name]).toMatchObject({
      type: 'object',
      properties: { not: { allOf: [referenceTo(name, 'v3')] } },
    });
  });

  it('writes what is no object as its dialect says', () => {
    const quantity = 'io.k8s.apimachinery.pkg.api.resource.Quantity';
    const definitionOf = (dialect: 'v2' | 'v3') => {
      const collector = new DefinitionCollector(dialect);
      collector.refer(quantity);
      return Object.fromEntries(collector.take())[quantity];
    };
    expect(definitionOf('v2')).toMatchObject({ type: 'string' });
    expect(definitionOf('v3')).toMatchObject({ oneOf: [{ type: 'string' }, { type: 'number' }] });
  });

  it('describes definitions and fields', () => {
    expect(descriptionOf('io.k8s.api.core.v1.PodSpec')).toBe('PodSpec is a description of a pod.');
    expect(descriptionOf('io.k8s.api.core.v1.Pod', 'kind')).toMatch(/^Kind is a string value/);
    expect(descriptionOf('no.such.Definition')).toBe('');
  });
});
