/** Answers in protobuf: which kinds have that form, and objects that are no stored ones, in it. */
import {
  type ApiObject,
  definitionOf,
  encodeMessage,
  encodeProtobuf,
  encodeProtobufList,
  type KindDefinition,
  type ProtobufMessage,
  partialObjectMetadataMessage,
  protobufMessageOf,
} from '../../../src/api/index.ts';
import type { Call } from '../call.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** Of the kind's objects; undefined for custom kinds. */
export function messageOfKind(kind: KindDefinition): ProtobufMessage | undefined {
  return kind.definition === '' ? undefined : protobufMessageOf(kind.definition);
}

/** Whether the answer to a call has a protobuf form: that of its kind, or of the subresource's own. */
export function hasProtobuf({ kind, subresource }: Pick<Call, 'kind' | 'subresource'>): boolean {
  const definition = subresource?.definition ?? kind.definition;
  return definition !== '' && protobufMessageOf(definition) !== undefined;
}

/** An object of any kind in its envelope; undefined when it has no protobuf form. */
export function protobufOf(object: ApiObject): Buffer | undefined {
  const { apiVersion = 'v1', kind } = object;
  if (kind === 'PartialObjectMetadataList') {
    const items = object['items'] as readonly ApiObject[];
    const message = partialObjectMetadataMessage();
    return encodeProtobufList(
      { apiVersion, kind, metadata: object.metadata },
      items.map((item) => encodeMessage(item, message)),
    );
  }
  const message = kind === 'PartialObjectMetadata' ? partialObjectMetadataMessage() : messageOfType(apiVersion, kind);
  return message === undefined ? undefined : encodeProtobuf({ ...object, apiVersion }, message);
}

function messageOfType(apiVersion: string, kind: string): ProtobufMessage | undefined {
  const slash = apiVersion.indexOf('/');
  const definition = definitionOf(apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1), kind);
  return protobufMessageOf(definition ?? META + kind);
}
