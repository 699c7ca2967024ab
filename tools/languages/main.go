// sdkgen SCHEMA LANGUAGE FOLDER writes the SDK of a component package, by the code generators that
// `pulumi package gen-sdk` reaches through the language hosts, which can't be built from modules.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	gogen "github.com/pulumi/pulumi/pkg/v3/codegen/go"
	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

func main() {
	if len(os.Args) != 4 {
		check(fmt.Errorf("usage: sdkgen SCHEMA nodejs|go FOLDER"))
	}
	data, err := os.ReadFile(os.Args[1])
	check(err)
	var spec schema.PackageSpec
	check(json.Unmarshal(data, &spec))
	// Binding checks the schema against Pulumi's metaschema.
	pkg, diagnostics, err := schema.BindSpec(spec, schema.NewNullLoader(), schema.ValidationOptions{})
	check(err)
	if len(diagnostics) > 0 {
		check(diagnostics)
	}
	files := map[string][]byte{}
	switch os.Args[2] {
	case "nodejs":
		files, err = nodejs.GeneratePackage("zerofloor", pkg, nil, nil, true, nil)
	case "go":
		files, err = gogen.GeneratePackage("zerofloor", pkg, nil)
	default:
		err = fmt.Errorf("no language: %s", os.Args[2])
	}
	check(err)
	for name, text := range files {
		path := filepath.Join(os.Args[3], name)
		check(os.MkdirAll(filepath.Dir(path), 0o755))
		check(os.WriteFile(path, text, 0o644))
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
