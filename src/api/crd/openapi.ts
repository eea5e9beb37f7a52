/**
 * The schema of a custom kind as the OpenAPI documents show it: as its definition has it, with the members that every object has.
 * The documents themselves refer its metadata to everybody's.
 * @see apiextensions-apiserver/pkg/controller/openapi/builder/builder.go
 */
import { descriptionOf, type OpenApiNode } from '../openapi-schema.ts';
import type { CustomSchema } from './structural.ts';

/** Any kind with the usual description of the two members. */
const TYPED = 'io.k8s.api.core.v1.ConfigMap';

/** The node of a whole object, without its group, version and kind. */
export function openApiOf(schema: CustomSchema): OpenApiNode {
  const { metadata: _, ...properties } = schema.properties ?? {};
  const text = (name: string) => ({ description: descriptionOf(TYPED, name), type: 'string' });
  return { ...schema, properties: { ...properties, apiVersion: text('apiVersion'), kind: text('kind') } };
}
