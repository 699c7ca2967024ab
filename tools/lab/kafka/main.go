// A Kafka broker in memory for the lab, and a door to put records in and commit them:
// PUT /TOPIC with a number produces so many; PUT /TOPIC/GROUP commits the group's offset.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

const broker, door = 9092, "127.0.0.1:9093"

func main() {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(broker))
	if err != nil {
		log.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		log.Fatal(err)
	}
	admin := kadm.NewClient(client)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if err := obey(r, client, admin); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	log.Fatal(http.ListenAndServe(door, nil))
}

func obey(r *http.Request, client *kgo.Client, admin *kadm.Client) error {
	if r.Method != http.MethodPut {
		return nil // Asked whether it is healthy.
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(string(body), 10, 64)
	if err != nil {
		return err
	}
	topic, group, commits := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	ctx := context.Background()
	if commits {
		offsets := kadm.Offsets{}
		offsets.AddOffset(topic, 0, number, -1)
		return admin.CommitAllOffsets(ctx, group, offsets)
	}
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, topic); err != nil &&
		!strings.Contains(err.Error(), "TOPIC_ALREADY_EXISTS") {
		return err
	}
	records := make([]*kgo.Record, number)
	for i := range records {
		records[i] = &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%d", i)}
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}
