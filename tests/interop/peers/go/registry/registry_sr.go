// What franz-go's client of schema registries sees: registry URL. Prints "ok", or what went wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/sr"
)

func check(ok bool, format string, args ...any) {
	if !ok {
		fmt.Printf(format+"\n", args...)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	check(err == nil, "%v", err)
	return value
}

func code(err error) int {
	var response *sr.ResponseError
	if errors.As(err, &response) {
		return response.ErrorCode
	}
	return 0
}

func record(fields string) sr.Schema {
	return sr.Schema{Schema: `{"type":"record","name":"R","fields":[` + fields + `]}`}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := must(sr.NewClient(sr.URLs(os.Args[1])))
	a, b := `{"name":"a","type":"long"}`, `{"name":"b","type":"string"}`

	first := must(client.CreateSchema(ctx, "go-value", record(a)))
	again := must(client.CreateSchema(ctx, "go-value", record(a)))
	other := must(client.CreateSchema(ctx, "go-other", record(a)))
	check(first.ID == again.ID && first.ID == other.ID && first.Version == 1, "ids %v %v %v", first, again, other)
	check(!must(client.CheckCompatibility(ctx, "go-value", -1, record(a+","+b))).Is, "a field without default fits")
	_, err := client.CreateSchema(ctx, "go-value", record(a+","+b))
	check(code(err) == 409, "incompatible schema: %v", err)

	results := client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, "go-value")
	check(results[0].Err == nil && results[0].Level == sr.CompatNone, "compatibility: %v", results[0])
	check(client.Compatibility(ctx, "go-value")[0].Level == sr.CompatNone, "level is not what was set")
	second := must(client.CreateSchema(ctx, "go-value", record(a+","+b)))
	check(second.Version == 2, "second version: %v", second)
	check(len(must(client.SubjectVersions(ctx, "go-value"))) == 2, "versions")
	text := must(client.SchemaByID(ctx, second.ID))
	check(text.Schema == record(a+","+b).Schema, "text: %v", text)
	check(must(client.LookupSchema(ctx, "go-value", record(a))).Version == 1, "lookup")
	check(must(client.SchemaByVersion(ctx, "go-value", -1)).ID == second.ID, "latest")
	check(len(must(client.SchemaUsagesByID(ctx, first.ID))) == 2, "usages")

	referring := sr.Schema{
		Schema:     `{"type":"record","name":"S","fields":[{"name":"r","type":"R"}]}`,
		References: []sr.SchemaReference{{Name: "R", Subject: "go-value", Version: 1}},
	}
	third := must(client.CreateSchema(ctx, "go-referring", referring))
	users := must(client.SchemaReferences(ctx, "go-value", 1))
	check(len(users) == 1 && users[0].ID == third.ID, "references: %v", users)
	_, err = client.DeleteSubject(ctx, "go-value", sr.SoftDelete)
	check(code(err) == 42206, "referred subject deleted: %v", err)

	for _, subject := range []string{"go-referring", "go-other", "go-value"} {
		for _, how := range []sr.DeleteHow{sr.SoftDelete, sr.HardDelete} {
			_, err = client.DeleteSubject(ctx, subject, how)
			check(err == nil, "delete %s: %v", subject, err)
		}
	}
	check(len(must(client.Subjects(sr.WithParams(ctx, sr.ShowDeleted)))) == 0, "subjects are left")
	fmt.Println("ok")
}
