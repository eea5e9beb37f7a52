/** The texts that an entry keeps of its object. */
import { describe, expect, it } from 'vitest';
import { Entry } from '../../../../actors/apiserver/cache/entry.ts';
import type { ApiObject } from '../../../../src/api/index.ts';

const place = { key: '/registry/pods/a/b', namespace: 'a', name: 'b' };
const entryOf = (object: object) => new Entry(place, 7, undefined, object as ApiObject);

const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'bö<b>', labels: { a: '1' } }, spec: { nodeName: 'n' } };

describe('the JSON of an entry', () => {
  it('is the object without its kind, whichever way it is asked for', () => {
    const { kind: _kind, apiVersion: _version, ...rest } = pod;
    const expected = { ...rest, metadata: { ...pod.metadata, resourceVersion: '7' } };
    const entry = entryOf(structuredClone(pod));
    const once = entry.jsonOnce;
    expect(typeof once).toBe('string');
    expect(JSON.parse(String(once))).toEqual(expected);
    expect(entry.json.toString()).toBe(once);
    // Kept now.
    expect(entry.jsonOnce).toBe(entry.json);
    expect(entry.json.toString()).toContain('\\u003cb\\u003e');
  });

  it.each([
    ['an object', pod],
    ['nothing but metadata', { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'x' } }],
    [
      'members before the metadata',
      { apiVersion: 'a/v1', data: { metadata: 1 }, kind: 'K', metadata: { name: 'x' }, spec: {} },
    ],
  ])('has the metadata of %s as a text of its own', (_what, object) => {
    const metadata = { ...object.metadata, resourceVersion: '7' };
    expect(JSON.parse(entryOf(structuredClone(object)).metadataJson.toString())).toEqual(metadata);
    const read = entryOf(structuredClone(object));
    expect(JSON.parse(read.json.toString())).toMatchObject({ metadata });
    expect(JSON.parse(read.metadataJson.toString())).toEqual(metadata);
  });

  it('is made anew after the entry has become history', () => {
    const entry = entryOf(structuredClone(pod));
    const { json, metadataJson } = entry;
    const [text, metadataText] = [json.toString(), metadataJson.toString()];
    entry.retire();
    expect(entry.metadataJson.toString()).toBe(metadataText);
    expect(entry.json.toString()).toBe(text);
  });
});
