package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type franz struct {
	bootstrap, topic string
}

func (f franz) client(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(f.bootstrap), kgo.DefaultProduceTopic(f.topic))...)
	check(err, "client")
	return client
}

func (f franz) produce(ctx context.Context, values []string, options ...kgo.Opt) {
	client := f.client(options...)
	defer client.Close()
	records := make([]*kgo.Record, len(values))
	for i, value := range values {
		records[i] = &kgo.Record{
			Key:     []byte{byte('a' + i%7)},
			Value:   []byte(value),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("1")}},
		}
	}
	check(client.ProduceSync(ctx, records...).FirstErr(), "produce")
}

// Reads n records as a group of so many members. What was read is committed before a rebalance may take it away.
func (f franz) read(ctx context.Context, members, n int, group string) []string {
	var values []string
	clients := make([]*kgo.Client, members)
	for i := range clients {
		clients[i] = f.client(kgo.ConsumeTopics(f.topic), kgo.ConsumerGroup(group), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
			kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	}
	for len(values) < n {
		for _, client := range clients {
			short, cancel := context.WithTimeout(ctx, wait/100)
			fetches := client.PollFetches(short)
			cancel()
			check(ctx.Err(), "%d of %d", len(values), n)
			for _, problem := range fetches.Errors() {
				if !errors.Is(problem.Err, context.DeadlineExceeded) {
					check(problem.Err, "fetch")
				}
			}
			fetches.EachRecord(func(record *kgo.Record) { values = append(values, string(record.Value)) })
			check(client.CommitUncommittedOffsets(ctx), "commit")
			client.AllowRebalance()
		}
	}
	for _, client := range clients {
		client.Close()
	}
	return values
}

// In a topic of its own: markers behind the last record would count as lag.
func (f franz) transactions(ctx context.Context) {
	client := f.client(kgo.TransactionalID(f.topic))
	defer client.Close()
	for value, end := range map[string]kgo.TransactionEndTry{"kept": kgo.TryCommit, "never": kgo.TryAbort} {
		check(client.BeginTransaction(), "begin")
		check(client.ProduceSync(ctx, kgo.StringRecord(value)).FirstErr(), "produce in a transaction")
		check(client.EndTransaction(ctx, end), "end")
	}
}

func franzGo(ctx context.Context, bootstrap string) {
	f := franz{bootstrap, fmt.Sprintf("franz-go-%d", os.Getpid())}
	client := f.client()
	admin := kadm.NewClient(client)
	_, err := admin.CreateTopic(ctx, 3, 1, nil, f.topic)
	check(err, "create")
	var values []string
	for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
		"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
		f.produce(ctx, batch(name), kgo.ProducerBatchCompression(codec))
		values = append(values, batch(name)...)
	}
	in := franz{bootstrap, f.topic + "-txn"}
	_, err = admin.CreateTopic(ctx, 1, 1, nil, in.topic)
	check(err, "create")
	in.transactions(ctx)
	same(in.read(ctx, 1, 1, in.topic), []string{"kept"}, "read committed")
	same(f.read(ctx, 2, len(values), f.topic), values, "the group")
	f.produce(ctx, []string{"later"})
	same(f.read(ctx, 1, 1, f.topic), []string{"later"}, "the group, later")

	lags, err := admin.Lag(ctx, f.topic)
	check(err, "lag")
	lag := lags[f.topic]
	check(lag.Error(), "lag")
	if lag.Lag.Total() != 0 {
		check(fmt.Errorf("%d", lag.Lag.Total()), "lag")
	}
	_, err = admin.DeleteGroups(ctx, f.topic)
	check(err, "delete the group")
	_, err = admin.DeleteTopics(ctx, f.topic, in.topic)
	check(err, "delete the topic")
	client.Close()
}
