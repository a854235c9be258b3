/**
 * Describes the values that cross the RPC once, so that validation, types and documents cannot disagree.
 * Never holds behaviour beyond the description: checking and printing are functions over it. Spec 08-rpc §3.
 * @module
 */

export interface StringNode {
  readonly kind: 'string'
  readonly minLength: number
  readonly maxLength: number | undefined
  readonly pattern: string | undefined
  /** What the pattern means, in words that complete "must be …". */
  readonly form: string | undefined
}

export interface ObjectNode {
  readonly kind: 'object'
  readonly required: ReadonlyMap<string, Schema<unknown>>
  readonly optional: ReadonlyMap<string, Schema<unknown>>
}

export type SchemaNode =
  | StringNode
  | ObjectNode
  | { readonly kind: 'integer'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'null' }
  | { readonly kind: 'enumeration'; readonly values: readonly string[] }
  | { readonly kind: 'array'; readonly items: Schema<unknown>; readonly maxItems: number | undefined }
  | { readonly kind: 'nullable'; readonly inner: Schema<unknown> }
  | { readonly kind: 'variants'; readonly discriminator: string; readonly cases: ReadonlyMap<string, ObjectNode> }
  /** An object of a form that is described elsewhere. */
  | { readonly kind: 'any-object' }

/** A description of the JSON values that have the type `T`. */
export interface Schema<T> {
  readonly node: SchemaNode
  readonly description: string | undefined
  /** Makes the schema a named component of the OpenRPC document. */
  readonly title: string | undefined
  /** For the compiler only; never set. */
  readonly phantom?: T
}

/** Marks a member that may be absent. */
export interface Optional<T> {
  readonly optional: Schema<T>
}

export type Infer<S> = S extends Schema<infer T> ? T : never

export type Shape = Readonly<Record<string, Schema<unknown> | Optional<unknown>>>

type Simplify<T> = { readonly [K in keyof T]: T[K] }

export type ObjectOf<S extends Shape> = Simplify<
  { readonly [K in keyof S as S[K] extends Optional<unknown> ? never : K]: Infer<S[K]> } & {
    readonly [K in keyof S as S[K] extends Optional<unknown> ? K : never]?: S[K] extends Optional<infer T> ? T : never
  }
>

function schema<T>(node: SchemaNode, description: string | undefined): Schema<T> {
  return { node, description, title: undefined }
}

export interface StringOptions {
  readonly description?: string
  readonly minLength?: number
  readonly maxLength?: number
  /** Anchored by the caller. */
  readonly pattern?: string
  readonly form?: string
}

/** A well-formed text; lengths count characters (code points), as JSON Schema does. */
export function string(options: StringOptions = {}): Schema<string> {
  const { minLength = 0, maxLength, pattern, form } = options
  return schema({ kind: 'string', minLength, maxLength, pattern, form }, options.description)
}

export interface IntegerOptions {
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** A whole number that a double holds exactly. */
export function integer(options: IntegerOptions = {}): Schema<number> {
  const { minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER } = options
  return schema({ kind: 'integer', minimum, maximum }, options.description)
}

export function boolean(description?: string): Schema<boolean> {
  return schema({ kind: 'boolean' }, description)
}

export function nullValue(description?: string): Schema<null> {
  return schema({ kind: 'null' }, description)
}

export function enumeration<const Values extends readonly string[]>(
  values: Values,
  description?: string,
): Schema<Values[number]> {
  return schema({ kind: 'enumeration', values }, description)
}

export function array<T>(
  items: Schema<T>,
  options: { readonly description?: string; readonly maxItems?: number } = {},
): Schema<readonly T[]> {
  return schema({ kind: 'array', items, maxItems: options.maxItems }, options.description)
}

export function nullable<T>(inner: Schema<T>, description?: string): Schema<T | null> {
  return schema({ kind: 'nullable', inner }, description ?? inner.description)
}

function objectNode(shape: Shape): ObjectNode {
  const required = new Map<string, Schema<unknown>>()
  const optionals = new Map<string, Schema<unknown>>()
  for (const [name, member] of Object.entries(shape)) {
    if ('optional' in member) optionals.set(name, member.optional)
    else required.set(name, member)
  }
  return { kind: 'object', required, optional: optionals }
}

/** Exactly these members: an unknown one is an error. */
export function object<const S extends Shape>(shape: S, description?: string): Schema<ObjectOf<S>> {
  return schema(objectNode(shape), description)
}

/** An object whose form another standard describes. */
export function anyObject(description: string): Schema<Readonly<Record<string, unknown>>> {
  return schema({ kind: 'any-object' }, description)
}

type VariantsOf<Key extends string, Cases extends Readonly<Record<string, Shape>>> = {
  [Name in keyof Cases & string]: Simplify<{ readonly [K in Key]: Name } & ObjectOf<Cases[Name]>>
}[keyof Cases & string]

/** One of several objects, told apart by the text in `discriminator`. */
export function variants<const Key extends string, const Cases extends Readonly<Record<string, Shape>>>(
  discriminator: Key,
  cases: Cases,
  description?: string,
): Schema<VariantsOf<Key, Cases>> {
  const nodes = new Map<string, ObjectNode>()
  for (const [name, shape] of Object.entries(cases)) {
    nodes.set(name, objectNode({ [discriminator]: enumeration([name]), ...shape }))
  }
  return schema({ kind: 'variants', discriminator, cases: nodes }, description)
}

export function optional<T>(inner: Schema<T>): Optional<T> {
  return { optional: inner }
}

/** The same schema under a name of its own in the documents. */
export function named<T>(title: string, inner: Schema<T>, description?: string): Schema<T> {
  return { ...inner, title, description: description ?? inner.description }
}
