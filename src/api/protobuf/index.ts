/** Kubernetes' protobuf form, both ways: what Go clients send and ask for. */
export { decodeProtobuf } from './decode.ts';
export { encodeMessage } from './encode.ts';
export {
  encodeProtobuf,
  encodeProtobufList,
  encodeWatchFrame,
  openProtobuf,
  type ProtobufEnvelope,
  partialObjectMetadataMessage,
  wrapProtobuf,
} from './envelope.ts';
export { ProtobufError } from './errors.ts';
export { type Message as ProtobufMessage, messageOfDefinition as protobufMessageOf } from './messages.ts';
export { WireReader } from './wire-reader.ts';
export { WireWriter } from './wire-writer.ts';
