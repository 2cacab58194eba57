// What @kafkajs/confluent-schema-registry sees: registry_kafkajs.mjs URL
import assert from 'node:assert'
import { createRequire } from 'node:module'

const { SchemaRegistry, SchemaType, COMPATIBILITY } = createRequire(import.meta.url)('@kafkajs/confluent-schema-registry')
const registry = new SchemaRegistry({ host: process.argv[2] })
const a = { type: 'record', name: 'R', namespace: 'js', fields: [{ name: 'a', type: 'int' }] }
const b = { ...a, fields: [...a.fields, { name: 'b', type: 'string', default: '' }] }
const c = { ...a, fields: [...a.fields, { name: 'c', type: 'string' }] }
const avro = schema => ({ type: SchemaType.AVRO, schema: JSON.stringify(schema) })
const options = { subject: 'js-value', compatibility: COMPATIBILITY.BACKWARD }

const first = await registry.register(avro(a), options)
assert.deepStrictEqual(await registry.register(avro(a), options), first)
const second = await registry.register(avro(b), options)
assert.notStrictEqual(second.id, first.id)
await assert.rejects(registry.register(avro(c), options), /incompatible with an earlier schema/)
assert.strictEqual(await registry.getLatestSchemaId('js-value'), second.id)
assert.strictEqual(await registry.getRegistryId('js-value', 1), first.id)
assert.strictEqual(await registry.getRegistryIdBySchema('js-value', avro(a)), first.id)
const message = await registry.encode(second.id, { a: 5, b: 'five' })
assert.strictEqual(message.readInt32BE(1), second.id)
assert.deepStrictEqual({ ...(await registry.decode(message)) }, { a: 5, b: 'five' })
await assert.rejects(registry.getSchema(99999), /Schema 99999 not found/)
// A schema that takes a type from another subject.
const inner = { type: 'record', name: 'Inner', namespace: 'js', fields: [{ name: 'n', type: 'int' }] }
const outer = { type: 'record', name: 'Outer', namespace: 'js', fields: [{ name: 'inner', type: 'js.Inner' }] }
await registry.register(avro(inner), { subject: 'js-inner' })
const third = await registry.register(
  { ...avro(outer), references: [{ name: 'js.Inner', subject: 'js-inner', version: 1 }] }, { subject: 'js-outer' })
const nested = await registry.encode(third.id, { inner: { n: 1 } })
assert.deepStrictEqual(JSON.parse(JSON.stringify(await registry.decode(nested))), { inner: { n: 1 } })
console.log('ok')
