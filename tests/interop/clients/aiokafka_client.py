"""aiokafka (its own code throughout) does everyday work with a broker. usage: aiokafka_client.py BOOTSTRAP"""

from __future__ import annotations

import asyncio
import sys
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

BOOTSTRAP = sys.argv[1]
CODECS = [None, "gzip", "snappy", "lz4", "zstd"]
EACH = 100


def consumer(*topics: str, **settings: object) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", enable_auto_commit=False, **settings)


async def produce(topic: str, values: list[bytes], **settings: object) -> None:
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, **settings) as producer:
        sent = [await producer.send(topic, value, key=b"k%d" % (i % 7), headers=[("h", b"1")]) for i, value in enumerate(values)]
        await asyncio.gather(*sent)


async def take(consumers: list[AIOKafkaConsumer], n: int) -> list[bytes]:
    got: list[bytes] = []
    while len(got) < n:
        for each in consumers:
            for records in (await each.getmany(timeout_ms=200)).values():
                assert all(record.headers == (("h", b"1"),) for record in records)
                got += [record.value for record in records]
    return got


async def group_shares_the_work(topic: str, values: list[bytes]) -> None:
    both = [consumer(topic, group_id=f"{topic}-two") for _ in range(2)]
    await asyncio.gather(*[each.start() for each in both])
    assert sorted(await take(both, len(values))) == sorted(values)
    for each in both:
        if each.assignment():
            await each.commit()
        await each.stop()
    await produce(topic, [b"later"])
    async with consumer(topic, group_id=f"{topic}-two") as again:
        assert await take([again], 1) == [b"later"]


async def transactions(topic: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, transactional_id=topic) as producer:
        async with producer.transaction():
            await producer.send_and_wait(topic, b"one")
            await producer.send_offsets_to_transaction({TopicPartition(topic, 0): 1}, f"{topic}-source")
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"never")
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"two")
    async with consumer(topic, isolation_level="read_committed", group_id=f"{topic}-source") as reader:
        assert (await reader.getone()).value == b"two", "the offset that the transaction committed"
        await reader.seek_to_beginning()
        assert [(await reader.getone()).value for _ in range(2)] == [b"one", b"two"]


async def main() -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    topic = f"aiokafka-{uuid.uuid4().hex[:8]}"
    await admin.create_topics([NewTopic(topic, 3, 1), NewTopic(f"{topic}-txn", 1, 1)])
    values: list[bytes] = []
    for codec in CODECS:
        batch = [f"{codec}-{i}".encode() for i in range(EACH)]
        await produce(topic, batch, compression_type=codec, enable_idempotence=True)
        values += batch
    await group_shares_the_work(topic, values)
    await transactions(f"{topic}-txn")
    listed = {group for group, *_ in await admin.list_consumer_groups()}
    assert f"{topic}-two" in listed, listed
    await admin.delete_topics([topic, f"{topic}-txn"])
    await admin.close()


asyncio.run(asyncio.wait_for(main(), 120))
