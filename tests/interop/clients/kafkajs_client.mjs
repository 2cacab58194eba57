// kafkajs does everyday work with a broker. usage: node kafkajs_client.mjs BOOTSTRAP, beside its node_modules
import kafkajs from 'kafkajs'

const { Kafka, CompressionTypes, logLevel } = kafkajs
const kafka = new Kafka({ clientId: 'judge', brokers: [process.argv[2]], logLevel: logLevel.ERROR })
const topic = `kafkajs-${Date.now()}-${process.pid}`
const EACH = 100
const WAIT = 30000

function check(holds, what) {
  if (!holds) throw new Error(what)
}

async function produce(values, settings = {}) {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  await producer.send({
    topic,
    acks: -1,
    ...settings,
    messages: values.map((value, i) => ({ key: `k${i % 7}`, value, headers: { h: '1' } }))
  })
  await producer.disconnect()
}

// Reads until `wanted` messages have come to the members of the group together.
async function read(groupId, members, wanted, settings = {}) {
  const got = []
  const consumers = await Promise.all(
    Array.from({ length: members }, async () => {
      const consumer = kafka.consumer({ groupId, ...settings })
      await consumer.connect()
      await consumer.subscribe({ topic, fromBeginning: true })
      return consumer
    })
  )
  let timer
  await new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${groupId}: ${got.length} of ${wanted}`)), WAIT)
    for (const consumer of consumers)
      consumer.run({
        autoCommitThreshold: 1,
        eachMessage: async ({ message }) => {
          got.push(message.value.toString())
          if (got.length === wanted) resolve()
        }
      })
  })
  clearTimeout(timer)
  // What is committed is what was resolved; leaving commits it.
  await new Promise(resolve => setTimeout(resolve, 500))
  for (const consumer of consumers) await consumer.disconnect()
  return got
}

async function transactions() {
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (const [value, ending] of [['one', 'commit'], ['never', 'abort'], ['two', 'commit']]) {
    const transaction = await producer.transaction()
    await transaction.send({ topic, messages: [{ value }] })
    await transaction.sendOffsets({ consumerGroupId: `${topic}-source`, topics: [{ topic, partitions: [{ partition: 0, offset: '3' }] }] })
    await transaction[ending]()
  }
  await producer.disconnect()
}

const admin = kafka.admin()
await admin.connect()
await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true })

const values = []
for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
  const batch = Array.from({ length: EACH }, (_, i) => `${compression}-${i}`)
  await produce(batch, { compression })
  values.push(...batch)
}
const got = await read(`${topic}-two`, 2, values.length)
check(got.sort().join() === values.sort().join(), 'the group read something else than was produced')
await produce(['later'])
check((await read(`${topic}-two`, 1, 1)).join() === 'later', 'the group did not go on where it was')

await transactions()
const committed = await read(`${topic}-committed`, 1, values.length + 3, { readUncommitted: false })
check(!committed.includes('never'), 'a record of an aborted transaction was read')
const [source] = await admin.fetchOffsets({ groupId: `${topic}-source`, topics: [topic] })
check(source.partitions.find(({ partition }) => partition === 0).offset === '3', 'the offset of the transaction is not there')

const offsets = await admin.fetchTopicOffsets(topic)
check(offsets.length === 3 && offsets.every(({ low }) => low === '0'), 'offsets of the topic')
const { groups } = await admin.describeGroups([`${topic}-two`])
check(groups[0].state === 'Empty', `the group is ${groups[0].state}`)
await admin.deleteGroups([`${topic}-two`])
await admin.deleteTopics({ topics: [topic] })
await admin.disconnect()
