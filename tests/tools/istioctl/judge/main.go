// judge writes what Istio would push to the ingress gateway for the manifests
// of a case: one static Envoy bootstrap, with its Secrets. scripts/record-judge
// builds and runs it; tests/real/judge.rs starts Envoy with what it wrote.
//
//	judge [-out FILE] MANIFEST...
//
// Istio's own test server makes the configuration, in this process and without
// a cluster. What the manifests hold as {{text}} stays as it is: the tests put
// certificates, keys and ports in its place.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"syscall"

	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
)

// fixture is the file that tests read.
type fixture struct {
	// Bootstrap is what Envoy runs.
	Bootstrap map[string]any `json:"bootstrap"`
	// Upstreams are the destinations that Bootstrap has endpoints for.
	Upstreams []upstream `json:"upstreams"`
	// Secrets are SDS responses by the name that Bootstrap asks for.
	Secrets map[string]any `json:"secrets"`
	// Refused is what Istio's validation said of an object it did not take.
	Refused string `json:"refused,omitempty"`
}

// upstream is one cluster's destination, and the protocol spoken to it.
type upstream struct {
	Host     string `json:"host"`
	Port     string `json:"port"`
	Subset   string `json:"subset,omitempty"`
	Protocol string `json:"protocol"`
}

// settings of istiod that its packages read when they are loaded. Metadata
// exchange needs filters that only Istio's build of Envoy has.
var settings = map[string]string{
	"PILOT_ENABLE_METADATA_EXCHANGE": "false",
	"PILOT_ENABLE_ALPHA_GATEWAY_API": "true",
}

func main() {
	withSettings()
	out := flag.String("out", "", "file to write; standard output if empty")
	schemas := flag.String("schemas", "src/manifests/crd/gateway-api.json", "definitions of the Gateway API")
	flag.Parse()
	if err := readDefinitions(*schemas); err != nil {
		fail(err)
	}
	quiet := log.DefaultOptions()
	quiet.SetDefaultOutputLevel(log.OverrideScopeName, log.NoneLevel)
	if err := log.Configure(quiet); err != nil {
		fail(err)
	}
	objects, err := read(flag.Args())
	if err != nil {
		fail(err)
	}
	made := fixture{Refused: objects.refused}
	if objects.refused == "" {
		err = test.Wrap(func(t test.Failer) {
			pushed := push(xds.NewFakeDiscoveryServer(t, objects.options()), objects)
			made = pushed.fixture()
		})
		if err != nil {
			fail(err)
		}
	}
	var value any
	if err := json.Unmarshal([]byte(compact(made)), &value); err != nil {
		fail(err)
	}
	if *out == "" {
		fmt.Print(layout(value))
	} else if err := os.WriteFile(*out, []byte(layout(value)), 0o644); err != nil {
		fail(err)
	}
	// The server's goroutines need not end.
	os.Exit(0)
}

// withSettings starts the program again where a setting is missing.
func withSettings() {
	environment := os.Environ()
	missing := false
	for name, value := range settings {
		if os.Getenv(name) != value {
			environment = append(environment, name+"="+value)
			missing = true
		}
	}
	if !missing {
		return
	}
	self, err := os.Executable()
	if err != nil {
		fail(err)
	}
	fail(syscall.Exec(self, os.Args, environment))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "judge:", err)
	os.Exit(1)
}
