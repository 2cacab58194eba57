// What @confluentinc/schemaregistry's serializers see: registry_confluentinc.mjs URL
import assert from 'node:assert'
import { AvroDeserializer, AvroSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry'

const client = new SchemaRegistryClient({ baseURLs: [process.argv[2]] })
const schema = JSON.stringify({
  type: 'record', name: 'R', namespace: 'cjs',
  fields: [{ name: 'a', type: 'long' }, { name: 'b', type: { type: 'array', items: 'double' } }]
})
const id = await client.register('cjs-value', { schemaType: 'AVRO', schema })
const serializer = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true })
const deserializer = new AvroDeserializer(client, SerdeType.VALUE, {})
const message = await serializer.serialize('cjs', { a: 5, b: [1.5, 2] })
assert.strictEqual(message.readInt32BE(1), id)
const value = await deserializer.deserialize('cjs', message)
assert.deepStrictEqual([Number(value.a), ...value.b], [5, 1.5, 2])
assert.deepStrictEqual(await client.getAllVersions('cjs-value'), [1])
assert.strictEqual((await client.getLatestSchemaMetadata('cjs-value')).version, 1)
assert.deepStrictEqual(await client.deleteSubject('cjs-value', false), [1])
assert.deepStrictEqual(await client.deleteSubject('cjs-value', true), [1])
console.log('ok')
