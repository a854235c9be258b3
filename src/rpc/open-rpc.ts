/**
 * Prints the registry as an OpenRPC document.
 * Never says anything that the server does not check. Spec 08-rpc §3.
 * @module
 */
import { MESSENGER_ERRORS } from '../messenger/index.ts'
import { ERROR_NUMBERS } from './error-map.ts'
import { RPC_ERRORS } from './errors.ts'
import { NOTIFICATIONS } from './notifications.ts'
import type { AnyMethod } from './registry.ts'
import { METHODS } from './registry.ts'
import type { JsonSchema, SchemaComponents } from './schema/index.ts'
import { toJsonSchema } from './schema/index.ts'

const OPENRPC_VERSION = '1.3.2'

/** The whole interface in the form of OpenRPC 1.3; equal for equal versions, byte for byte when printed. */
export function createOpenRpcDocument(version: string): JsonSchema {
  const components: SchemaComponents = new Map()
  const methods = METHODS.map((method) => describeMethod(method as AnyMethod, components))
  const notifications = NOTIFICATIONS.map(({ name, summary, params, example }) => ({
    name,
    summary,
    params: toJsonSchema(params, components),
    example,
  }))
  return {
    openrpc: OPENRPC_VERSION,
    info: {
      title: 'noctule',
      version,
      description: 'JSON-RPC 2.0, one object or batch a line, over a unix socket of the user.',
      license: { name: 'Apache-2.0' },
    },
    methods,
    components: { schemas: Object.fromEntries(components) },
    'x-notifications': notifications,
  }
}

function describeMethod(method: AnyMethod, components: SchemaComponents): JsonSchema {
  return {
    name: method.name,
    summary: method.summary,
    paramStructure: 'by-name',
    params: describeParams(method, components),
    result: { name: 'result', schema: toJsonSchema(method.result, components) },
    errors: method.errors.map((code) => describeError(code)),
    examples: [
      {
        name: 'example',
        params: Object.entries(method.example.params as Readonly<Record<string, unknown>>).map(([name, value]) => ({
          name,
          value,
        })),
        result: { name: 'result', value: method.example.result },
      },
    ],
    'x-network': method.network,
  }
}

function describeParams(method: AnyMethod, components: SchemaComponents): readonly JsonSchema[] {
  const { node } = method.params
  if (node.kind !== 'object') return []
  return [
    ...[...node.required].map(([name, schema]) => ({
      name,
      required: true,
      schema: toJsonSchema(schema, components),
    })),
    ...[...node.optional].map(([name, schema]) => ({
      name,
      required: false,
      schema: toJsonSchema(schema, components),
    })),
  ]
}

/** What is known of a documented code; undefined for one that no table of this floor has. */
export function findErrorEntry(
  code: string,
): { readonly kind: string; readonly why: string; readonly remedy: string } | undefined {
  return new Map(Object.entries({ ...RPC_ERRORS, ...MESSENGER_ERRORS })).get(code)
}

function describeError(code: string): JsonSchema {
  const entry = findErrorEntry(code)
  const kind = Object.entries(ERROR_NUMBERS).find(([name]) => name === entry?.kind)
  return { code: kind?.[1], message: entry?.why, data: { code, kind: entry?.kind, remedy: entry?.remedy } }
}
