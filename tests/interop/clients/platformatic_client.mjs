// @platformatic/kafka, which knows flexible versions only, does everyday work with a broker.
// usage: node platformatic_client.mjs BOOTSTRAP, beside its node_modules
import zlib from 'node:zlib'

import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'

const bootstrapBrokers = [process.argv[2]]
const topic = `platformatic-${Date.now()}-${process.pid}`
const EACH = 100
const WAIT = 30000

function check(holds, what) {
  if (!holds) throw new Error(what)
}

async function produce(values, compression) {
  const producer = new Producer({ clientId: 'judge', bootstrapBrokers, serializers: stringSerializers, idempotent: true, acks: -1 })
  await producer.send({
    compression,
    messages: values.map((value, i) => ({ topic, key: `k${i % 7}`, value, headers: { h: '1' } }))
  })
  await producer.close()
}

async function read(groupId, wanted) {
  const consumer = new Consumer({ groupId, clientId: 'judge', bootstrapBrokers, deserializers: stringDeserializers })
  const stream = await consumer.consume({ autocommit: true, topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  const got = []
  const timer = setTimeout(() => {
    console.error(`${groupId}: ${got.length} of ${wanted}`)
    process.exit(1)
  }, WAIT)
  for await (const message of stream) {
    check(message.headers.get('h') === '1', 'the header is not there')
    got.push(message.value)
    if (got.length === wanted) break
  }
  clearTimeout(timer)
  await consumer.close(true)
  return got
}

const admin = new Admin({ clientId: 'judge', bootstrapBrokers })
await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 })
const values = []
// Node has zstd from 22.15 on.
const codecs = ['none', 'gzip', 'snappy', 'lz4', ...(zlib.zstdCompressSync ? ['zstd'] : [])]
for (const compression of codecs) {
  const batch = Array.from({ length: EACH }, (_, i) => `${compression}-${i}`)
  await produce(batch, compression)
  values.push(...batch)
}
const got = await read(`${topic}-group`, values.length)
check(got.sort().join() === values.sort().join(), 'the group read something else than was produced')
await produce(['later'], 'none')
check((await read(`${topic}-group`, 1)).join() === 'later', 'the group did not go on where it was')

const groups = await admin.listGroups()
check(groups.has(`${topic}-group`), 'the group is not listed')
const described = await admin.describeGroups({ groups: [`${topic}-group`] })
check(described.get(`${topic}-group`).state === 'EMPTY', 'the group is not empty')
await admin.deleteGroups({ groups: [`${topic}-group`] })
await admin.deleteTopics({ topics: [topic] })
await admin.close()
