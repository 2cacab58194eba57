package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/IBM/sarama"
)

func saramaConfig() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V3_6_0_0
	config.Producer.Return.Successes = true
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.IsolationLevel = sarama.ReadCommitted
	return config
}

// A member of a group: counts with the others until all have come.
type member struct {
	lock   *sync.Mutex
	values *[]string
	wanted int
	stop   context.CancelFunc
}

func (member) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case <-session.Context().Done():
			return nil
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			session.MarkMessage(message, "about")
			m.lock.Lock()
			*m.values = append(*m.values, string(message.Value))
			if len(*m.values) == m.wanted {
				m.stop()
			}
			m.lock.Unlock()
		}
	}
}

func saramaRead(ctx context.Context, bootstrap, topic string, members, n int) []string {
	var (
		lock   sync.Mutex
		values []string
		work   sync.WaitGroup
	)
	until, stop := context.WithCancel(ctx)
	defer stop()
	for i := 0; i < members; i++ {
		group, err := sarama.NewConsumerGroup([]string{bootstrap}, topic, saramaConfig())
		check(err, "join")
		work.Add(1)
		go func() {
			defer work.Done()
			for until.Err() == nil {
				check(group.Consume(until, []string{topic}, member{&lock, &values, n, stop}), "consume")
			}
			check(group.Close(), "leave")
		}()
	}
	work.Wait()
	check(ctx.Err(), "%d of %d", len(values), n)
	return values
}

func saramaProduce(bootstrap, topic string, values []string, config *sarama.Config) {
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	check(err, "producer")
	messages := make([]*sarama.ProducerMessage, len(values))
	for i, value := range values {
		messages[i] = &sarama.ProducerMessage{
			Topic:   topic,
			Key:     sarama.StringEncoder(fmt.Sprint(i % 7)),
			Value:   sarama.StringEncoder(value),
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("1")}},
		}
	}
	check(producer.SendMessages(messages), "produce")
	check(producer.Close(), "close the producer")
}

func saramaTransactions(bootstrap, topic string) {
	config := saramaConfig()
	config.Producer.Transaction.ID = topic
	producer, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	check(err, "transactional producer")
	for _, step := range []struct {
		value string
		end   func() error
	}{{"kept", producer.CommitTxn}, {"never", producer.AbortTxn}} {
		check(producer.BeginTxn(), "begin")
		_, _, err = producer.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(step.value)})
		check(err, "produce in a transaction")
		check(step.end(), "end")
	}
	check(producer.Close(), "close the transactional producer")
}

func saramaGo(ctx context.Context, bootstrap string) {
	topic := fmt.Sprintf("sarama-%d", os.Getpid())
	admin, err := sarama.NewClusterAdmin([]string{bootstrap}, saramaConfig())
	check(err, "admin")
	check(admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 3, ReplicationFactor: 1}, false), "create")
	var values []string
	for _, codec := range []sarama.CompressionCodec{sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy,
		sarama.CompressionLZ4, sarama.CompressionZSTD} {
		config := saramaConfig()
		config.Producer.Compression = codec
		saramaProduce(bootstrap, topic, batch(codec.String()), config)
		values = append(values, batch(codec.String())...)
	}
	saramaTransactions(bootstrap, topic)
	same(saramaRead(ctx, bootstrap, topic, 2, len(values)+1), append(values, "kept"), "the group")
	saramaProduce(bootstrap, topic, []string{"later"}, saramaConfig())
	same(saramaRead(ctx, bootstrap, topic, 1, 1), []string{"later"}, "the group, later")

	groups, err := admin.DescribeConsumerGroups([]string{topic})
	check(err, "describe")
	if groups[0].State != "Empty" {
		check(fmt.Errorf("%s", groups[0].State), "state of the group")
	}
	check(admin.DeleteConsumerGroup(topic), "delete the group")
	check(admin.DeleteTopic(topic), "delete the topic")
	check(admin.Close(), "close")
}
