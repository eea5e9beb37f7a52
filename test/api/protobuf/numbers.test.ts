import { describe, expect, it } from 'vitest';
import { definitionNames, type ObjectSchema, objectSchema, type Schema } from '../../../src/api/index.ts';
import { type Message, messageOf, rowNameOf } from '../../../src/api/protobuf/messages.ts';
import { protobufNumbers, protobufNumbersUnknown } from '../../../src/api/protobuf/numbers.ts';

const unknown = new Map(
  protobufNumbersUnknown
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', ...fields] = line.split(' ');
      return [name, fields] as const;
    }),
);

/** Every definition that a served kind is made of. */
function reachable(): ObjectSchema[] {
  const found = new Set<ObjectSchema>();
  const visit = (schema: Schema): void => {
    if (schema.element !== undefined) visit(schema.element);
    if (schema.kind === 'object' && schema.object !== undefined) add(schema.object);
  };
  const add = (object: ObjectSchema): void => {
    if (found.has(object)) return;
    found.add(object);
    for (const { schema } of object.fields.values()) visit(schema);
  };
  for (const name of definitionNames()) {
    const object = objectSchema(name);
    if (object?.groupVersionKind !== undefined || /\.meta\.v1\.(Status|API\w+|DeleteOptions)$/.test(name)) add(object!);
  }
  return [...found];
}

const namesIn = (message: Message): string[] =>
  message.descending.flatMap((field) => (field.embedded === undefined ? [field.name] : namesIn(field.embedded)));

const isTypeMeta = (object: ObjectSchema, name: string): boolean =>
  (name === 'kind' || name === 'apiVersion') &&
  (object.groupVersionKind !== undefined ||
    /\.meta\.v1\.(Status|API(Group|Versions)|\w+List|DeleteOptions)$/.test(object.name));

describe('protobuf numbers', () => {
  it('are there, once, for every field of everything that is served, but for those that are said to be unknown', () => {
    const missing: string[] = [];
    for (const object of reachable()) {
      const row = rowNameOf(object.name);
      const message = messageOf(object);
      const names = message === undefined ? [] : namesIn(message);
      expect(new Set(names).size, row).toBe(names.length);
      const fields = [...object.fields.keys()].filter((name) => !isTypeMeta(object, name));
      const lacking = fields.filter((name) => !names.includes(name));
      if (message === undefined && !object.shortName.endsWith('List')) missing.push(row);
      else if (message !== undefined && lacking.length > 0) missing.push(`${row} ${lacking.sort().join(' ')}`);
    }
    expect(missing.sort()).toEqual([...unknown].map(([name, fields]) => [name, ...fields].join(' ')).sort());
  });

  it('name no message twice', () => {
    const names = protobufNumbers
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are those of upstream where they are far from the order of the fields', () => {
    const numbersOf = (definition: string) =>
      Object.fromEntries(messageOf(objectSchema(definition)!)!.descending.map(({ name, number }) => [name, number]));
    expect(numbersOf('io.k8s.api.core.v1.PodSpec')).toMatchObject({
      initContainers: 20,
      ephemeralContainers: 34,
      hostnameOverride: 41,
    });
    expect(numbersOf('io.k8s.api.apps.v1.DeploymentSpec')).toMatchObject({ paused: 7, progressDeadlineSeconds: 9 });
    expect(numbersOf('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta')).toMatchObject({
      finalizers: 14,
      managedFields: 17,
    });
  });
});
