// Previews the program beside this file inline, without a language host:
// PROGRAM PROJECT PACK KEY=VALUE….
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
)

func main() {
	ctx := context.Background()
	stack, err := auto.UpsertStackInlineSource(ctx, "dev", os.Args[1], program)
	check(err)
	for _, pair := range os.Args[3:] {
		key, value, _ := strings.Cut(pair, "=")
		check(stack.SetConfig(ctx, key, auto.ConfigValue{Value: value}))
	}
	_, err = stack.Preview(ctx,
		optpreview.PolicyPacks(os.Args[2]),
		optpreview.Color("never"),
		optpreview.ProgressStreams(os.Stdout),
		optpreview.ErrorProgressStreams(os.Stdout))
	check(err)
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
