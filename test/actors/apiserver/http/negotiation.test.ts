import { describe, expect, it } from 'vitest';
import { acceptedOf, bodyFormatOf, wantsAggregated } from '../../../../actors/apiserver/http/negotiation.ts';

describe('acceptedOf', () => {
  it.each([
    [undefined, { format: 'json' }],
    ['*/*', { format: 'json' }],
    ['application/yaml', { format: 'yaml' }],
    ['application/vnd.kubernetes.protobuf,application/json', { format: 'json' }],
    ['application/yaml;q=0.5, application/json', { format: 'json' }],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { format: 'json', as: 'Table', asVersion: 'v1' }],
    ['application/json;as=Nope;v=v1;g=meta.k8s.io,application/json', { format: 'json', as: undefined }],
  ])('%s', (header, form) => {
    expect(acceptedOf(header, 'object', undefined, false)).toMatchObject(form);
  });

  it.each(['image/png', 'application/vnd.kubernetes.protobuf', 'application/cbor'])('has nothing for %s', (header) => {
    expect(acceptedOf(header, 'object', undefined, false)).toBeUndefined();
  });

  it('does not watch in YAML', () => {
    expect(acceptedOf('application/yaml', 'watch', undefined, false)).toBeUndefined();
  });

  it('answers in protobuf where the kind has it', () => {
    expect(acceptedOf('application/vnd.kubernetes.protobuf,application/json', 'object', undefined, true)).toMatchObject(
      {
        format: 'protobuf',
      },
    );
  });

  it('is pretty when asked to', () => {
    expect(acceptedOf('application/json', 'object', 'true', false)).toMatchObject({ pretty: true });
    expect(acceptedOf('application/json', 'object', 'false', false)).toMatchObject({ pretty: false });
  });
});

describe('bodies', () => {
  it.each([
    [undefined, 'json'],
    ['application/json; charset=utf-8', 'json'],
    ['Application/JSON', 'json'],
    ['application/yaml', 'yaml'],
    ['application/vnd.kubernetes.protobuf', 'protobuf'],
    ['text/plain', undefined],
  ])('%s', (header, format) => {
    expect(bodyFormatOf(header)).toBe(format);
  });
});

describe('wantsAggregated', () => {
  it('finds the newest version that the client asks for before plain discovery', () => {
    const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    expect(wantsAggregated(`${v2},application/json`)).toBe('v2');
    expect(wantsAggregated(`application/json,${v2}`)).toBeUndefined();
    expect(wantsAggregated('application/json')).toBeUndefined();
  });
});
