import { describe, expect, it } from 'vitest';
import {
  decodeProtobuf,
  encodeMessage,
  encodeProtobuf,
  encodeProtobufList,
  encodeWatchFrame,
  objectSchema,
  openProtobuf,
  partialObjectMetadataMessage,
  protobufMessageOf,
  wrapProtobuf,
} from '../../../src/api/index.ts';

const CONFIG_MAP = 'io.k8s.api.core.v1.ConfigMap';
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } };
const message = protobufMessageOf(CONFIG_MAP)!;

describe('envelopes', () => {
  it('are written byte for byte as upstream writes them, which is with an empty encoding and content type', () => {
    expect(wrapProtobuf('v1', 'Pod', Uint8Array.of(1, 2)).toString('latin1')).toBe(
      'k8s\0\n\t\n\x02v1\x12\x03Pod\x12\x02\x01\x02\x1a\0"\0',
    );
  });

  it('give back what was put into them', () => {
    const { apiVersion, kind, raw } = openProtobuf(encodeProtobuf(configMap, message));
    expect({ apiVersion, kind }).toEqual({ apiVersion: 'v1', kind: 'ConfigMap' });
    expect(decodeProtobuf(raw, objectSchema(CONFIG_MAP)!)).toMatchObject({ metadata: { name: 'a' }, data: { k: 'v' } });
  });

  it('hold lists put together from items that are encoded already', () => {
    const item = encodeMessage(configMap, message);
    const list = { apiVersion: 'v1', kind: 'ConfigMapList', metadata: { resourceVersion: '7', remainingItemCount: 3 } };
    const { kind, raw } = openProtobuf(encodeProtobufList(list, [item, item]));
    expect(kind).toBe('ConfigMapList');
    expect(decodeProtobuf(raw, objectSchema(`${CONFIG_MAP}List`)!)).toMatchObject({
      metadata: { resourceVersion: '7', remainingItemCount: 3 },
      items: [{ data: { k: 'v' } }, { data: { k: 'v' } }],
    });
  });

  it('of the last page of a list say nothing of items that remain', () => {
    const { raw } = openProtobuf(encodeProtobufList({ apiVersion: 'v1', kind: 'PodList', metadata: {} }, []));
    expect(decodeProtobuf(raw, objectSchema(`${CONFIG_MAP}List`)!)).toEqual({ metadata: {} });
  });

  it('hold the metadata of anything', () => {
    const partial = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: { name: 'x' } };
    const { raw } = openProtobuf(encodeProtobuf(partial, partialObjectMetadataMessage()));
    expect(decodeProtobuf(raw, objectSchema(CONFIG_MAP)!)).toEqual({ metadata: { name: 'x' } });
  });
});

describe('frames of a watch', () => {
  it('are a length, highest byte first, a type and an envelope', () => {
    const envelope = encodeProtobuf(configMap, message);
    const frame = encodeWatchFrame('ADDED', envelope);
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4);
    const event = decodeWatchEvent(frame.subarray(4));
    expect(event.type).toBe('ADDED');
    expect(event.object).toEqual(envelope);
  });

  /** 1 = type, 2 = a message with the object's bytes as 1; all shorter than 128 bytes here. */
  function decodeWatchEvent(bytes: Buffer): { type: string; object: Buffer } {
    const typeLength = bytes[1] as number;
    const rest = bytes.subarray(2 + typeLength);
    expect([bytes[0], rest[0], rest[2]]).toEqual([10, 18, 10]);
    return { type: bytes.toString('utf8', 2, 2 + typeLength), object: rest.subarray(4) };
  }
});

describe('objects in protobuf', () => {
  it('are as large as they need to be, and larger than any buffer to begin with', () => {
    const large = { ...configMap, data: { k: 'ü'.repeat(100_000) } };
    const bytes = encodeMessage(large, message);
    expect(decodeProtobuf(bytes, objectSchema(CONFIG_MAP)!)).toMatchObject({ data: { k: 'ü'.repeat(100_000) } });
  });

  it('have their maps in the order of the keys', () => {
    const one = encodeMessage({ data: { b: '2', a: '1' } }, message);
    expect(one).toEqual(encodeMessage({ data: { a: '1', b: '2' } }, message));
  });
});
