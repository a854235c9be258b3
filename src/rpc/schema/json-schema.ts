/**
 * Prints a schema as JSON Schema (draft 7, the dialect of OpenRPC).
 * Never prints more than the checker enforces, nor less.
 * @module
 */
import type { ObjectNode, Schema, SchemaNode } from './schema.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Collects named schemas, so that each is printed once and referred to everywhere else. */
export type SchemaComponents = Map<string, JsonSchema>

/** The JSON Schema of `schema`; named parts go into `components` and are replaced by references. */
export function toJsonSchema(schema: Schema<unknown>, components: SchemaComponents): JsonSchema {
  if (schema.title === undefined) return describeNode(schema, components)
  if (!components.has(schema.title)) {
    // Reserves the place first, so that the order of the document is the order of first use.
    components.set(schema.title, {})
    components.set(schema.title, { title: schema.title, ...describeNode(schema, components) })
  }
  return { $ref: `#/components/schemas/${schema.title}` }
}

function describeNode(schema: Schema<unknown>, components: SchemaComponents): JsonSchema {
  const body = nodeSchema(schema.node, components)
  return schema.description === undefined ? body : { ...body, description: schema.description }
}

function nodeSchema(node: SchemaNode, components: SchemaComponents): JsonSchema {
  switch (node.kind) {
    case 'string':
      return {
        type: 'string',
        ...(node.minLength > 0 ? { minLength: node.minLength } : {}),
        ...(node.maxLength === undefined ? {} : { maxLength: node.maxLength }),
        ...(node.pattern === undefined ? {} : { pattern: node.pattern }),
      }
    case 'integer':
      return { type: 'integer', minimum: node.minimum, maximum: node.maximum }
    case 'boolean':
      return { type: 'boolean' }
    case 'null':
      return { type: 'null' }
    case 'enumeration':
      return { type: 'string', enum: node.values }
    case 'array':
      return {
        type: 'array',
        items: toJsonSchema(node.items, components),
        ...(node.maxItems === undefined ? {} : { maxItems: node.maxItems }),
      }
    case 'nullable':
      return { anyOf: [toJsonSchema(node.inner, components), { type: 'null' }] }
    case 'object':
      return objectSchema(node, components)
    case 'variants':
      return { oneOf: [...node.cases.values()].map((variant) => objectSchema(variant, components)) }
    case 'any-object':
      return { type: 'object' }
  }
}

function objectSchema(node: ObjectNode, components: SchemaComponents): JsonSchema {
  const properties: Record<string, JsonSchema> = {}
  for (const [name, member] of [...node.required, ...node.optional]) {
    properties[name] = toJsonSchema(member, components)
  }
  return { type: 'object', properties, required: [...node.required.keys()], additionalProperties: false }
}
