/** Descriptions of JSON values: building, checking, printing. @module */
export type { SchemaProblem } from './check.ts'
export { checkSchema, expectation, fitsSchema } from './check.ts'
export type { JsonSchema, SchemaComponents } from './json-schema.ts'
export { toJsonSchema } from './json-schema.ts'
export type { Infer, ObjectNode, ObjectOf, Optional, Schema, SchemaNode } from './schema.ts'
export {
  anyObject,
  array,
  boolean,
  enumeration,
  integer,
  named,
  nullable,
  nullValue,
  object,
  optional,
  string,
  variants,
} from './schema.ts'
