/** What protobuf bytes are refused with. The API server makes a 400 of it, with the text as upstream words it. */

/** The bytes are not what they claim to be. The message is that of upstream's generated decoders. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}
