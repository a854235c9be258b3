/**
 * Strict values in msgpack, for the content of messages and for what is stored: shapes are values, one value has one encoding.
 * Never reads maps, extensions or prototypes, and never throws on foreign bytes. The only home of msgpackr. Spec 01-wire §7.
 * @module
 */
import { Packr } from 'msgpackr'
import { equalBytes, utf8Encode } from '../base/index.ts'
import { isPlainMsgpack } from './pack-scan.ts'

/** Longest packed value unless its codec says otherwise. Guessed; far above anything stored as one value. */
const PACKED_MAX_BYTES = 1 << 20

const MISFIT: unique symbol = Symbol('misfit')

/** What a value may be. Made by {@link shape}, used by {@link createPacked}. */
export interface Shape<T> {
  /** The value in the terms of msgpack; throws `RangeError` when it does not fit, which is a bug of the caller. */
  lower(value: T): unknown
  /** The value behind what msgpack gave, or the misfit mark. */
  raise(value: unknown): T | typeof MISFIT
}

/** The type of the values that a shape admits. */
export type ShapeValue<S> = S extends Shape<infer T> ? T : never

type Fields = Readonly<Record<string, Shape<unknown>>>
type RecordValue<F extends Fields> = { readonly [Name in keyof F]: ShapeValue<F[Name]> }
type Variants = Readonly<Record<string, Fields>>
type VariantValue<Key extends string, V extends Variants> = {
  [Tag in keyof V & string]: { readonly [Name in Key]: Tag } & RecordValue<V[Tag]>
}[keyof V & string]

function leaf<T>(isFit: (value: unknown) => boolean, raise: (value: unknown) => T = (value) => value as T): Shape<T> {
  return {
    lower(value) {
      if (!isFit(value)) throw new RangeError('value does not fit its shape')
      return value
    },
    raise: (value) => (isFit(value) ? raise(value) : MISFIT),
  }
}

function integer(min: number, max: number): Shape<number> {
  return leaf((value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max)
}

function text(maxBytes: number, minBytes = 0): Shape<string> {
  return leaf((value) => {
    if (typeof value !== 'string' || value.length > maxBytes || !value.isWellFormed()) return false
    const length = utf8Encode(value).length
    return length >= minBytes && length <= maxBytes
  })
}

function bytesBetween(minBytes: number, maxBytes: number): Shape<Uint8Array> {
  const isFit = (value: unknown): boolean =>
    value instanceof Uint8Array && value.length >= minBytes && value.length <= maxBytes
  return leaf(isFit, (value) => new Uint8Array(value as Uint8Array))
}

function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return leaf((value) => words.some((word) => word === value))
}

function optional<T>(inner: Shape<T>): Shape<T | undefined> {
  return {
    lower: (value) => (value === undefined ? null : inner.lower(value)),
    raise: (value) => (value === null ? undefined : inner.raise(value)),
  }
}

function list<T>(item: Shape<T>, maxCount: number): Shape<readonly T[]> {
  return {
    lower(value) {
      if (value.length > maxCount) throw new RangeError('list is longer than its shape')
      return value.map((entry) => item.lower(entry))
    },
    raise(value) {
      if (!Array.isArray(value) || value.length > maxCount) return MISFIT
      const out: T[] = []
      for (const entry of value) {
        const raised = item.raise(entry)
        if (raised === MISFIT) return MISFIT
        out.push(raised)
      }
      return out
    },
  }
}

function record<const F extends Fields>(fields: F): Shape<RecordValue<F>> {
  const entries = Object.entries(fields)
  return {
    lower(value) {
      const own: Readonly<Record<string, unknown>> = value
      if (Object.keys(own).some((name) => !Object.hasOwn(fields, name)))
        throw new RangeError('value has an unknown key')
      return entries.map(([name, field]) => field.lower(own[name]))
    },
    raise(value) {
      if (!Array.isArray(value) || value.length !== entries.length) return MISFIT
      const out: [string, unknown][] = []
      for (const [index, [name, field]] of entries.entries()) {
        const raised = field.raise(value[index])
        if (raised === MISFIT) return MISFIT
        out.push([name, raised])
      }
      return Object.fromEntries(out) as RecordValue<F>
    },
  }
}

function variant<const Key extends string, const V extends Variants>(
  key: Key,
  variants: V,
): Shape<VariantValue<Key, V>> {
  const shapes = new Map(Object.entries(variants).map(([tag, fields]) => [tag, record(fields)]))
  return {
    lower(value) {
      const { [key]: tag, ...rest } = value as Readonly<Record<string, unknown>>
      const inner = shapes.get(String(tag))
      if (inner === undefined) throw new RangeError('value has an unknown tag')
      return [tag, inner.lower(rest)]
    },
    raise(value) {
      if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== 'string') return MISFIT
      const raised = shapes.get(value[0])?.raise(value[1])
      if (raised === undefined || raised === MISFIT) return MISFIT
      return { [key]: value[0], ...raised } as VariantValue<Key, V>
    },
  }
}

/**
 * Makers of shapes. A record is packed as an array in the order of its fields, without their names:
 * nothing foreign ever becomes a property name, and there is no order of keys to disagree on.
 */
export const shape = {
  /** A safe integer between both bounds, inclusive. */
  integer,
  boolean: (): Shape<boolean> => leaf((value) => typeof value === 'boolean'),
  /** Well-formed text; the bounds count bytes of UTF-8. */
  text,
  /** Exactly so many bytes. */
  bytes: (length: number): Shape<Uint8Array> => bytesBetween(length, length),
  bytesBetween,
  /** One of these words. */
  oneOf,
  /** The value or `undefined`. */
  optional,
  list,
  record,
  /** Records told apart by the word under `key`. */
  variant,
} as const

/** A codec for one shape. */
export interface Packed<T> {
  /** A value that does not fit, or is longer than the codec allows, is a bug and throws `RangeError`. */
  encode(value: T): Uint8Array
  /** Undefined for whatever {@link Packed.encode} would not have written byte for byte. */
  decode(bytes: Uint8Array): T | undefined
}

/**
 * Binds a shape to bytes. Secrets that must be wiped have hand-written layouts instead: the library keeps copies
 * in buffers of its own.
 */
export function createPacked<T>(of: Shape<T>, maxBytes = PACKED_MAX_BYTES): Packed<T> {
  const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true })
  const encode = (value: T): Uint8Array => {
    const bytes = new Uint8Array(packr.pack(of.lower(value)))
    if (bytes.length > maxBytes) throw new RangeError('packed value is longer than its codec allows')
    return bytes
  }
  return {
    encode,
    decode(bytes) {
      if (bytes.length > maxBytes || !isPlainMsgpack(bytes)) return undefined
      // On a copy: the library hangs a property on what it reads.
      const value = of.raise(packr.unpack(bytes.slice()))
      if (value === MISFIT) return undefined
      // What reads well may still be spelled oddly (a long form of a small number, malformed UTF-8): writing it again tells.
      return equalBytes(encode(value), bytes) ? value : undefined
    },
  }
}
