// Two Go clients do everyday work with a broker. usage: judge franz-go|sarama BOOTSTRAP
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"
)

const (
	each = 100
	wait = 60 * time.Second
)

func check(err error, what string, args ...any) {
	if err != nil {
		fmt.Printf("%s: %v\n", fmt.Sprintf(what, args...), err)
		os.Exit(1)
	}
}

func same(got, wanted []string, what string) {
	sort.Strings(got)
	sort.Strings(wanted)
	if strings.Join(got, "\n") != strings.Join(wanted, "\n") {
		check(fmt.Errorf("%d records, expected %d, or others", len(got), len(wanted)), "%s", what)
	}
}

func batch(codec string) []string {
	values := make([]string, each)
	for i := range values {
		values[i] = fmt.Sprintf("%s-%d", codec, i)
	}
	return values
}

func main() {
	programs := map[string]func(context.Context, string){"franz-go": franzGo, "sarama": saramaGo}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	programs[os.Args[1]](ctx, os.Args[2])
}
