package main

import (
	"encoding/json"
	"sort"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"istio.io/istio/pilot/pkg/model"
	v3 "istio.io/istio/pilot/pkg/xds/v3"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/spiffe"
	"istio.io/istio/pkg/util/sets"
)

// release is the Istio whose module is pinned in go.mod.
const release = "1.31.0"

// pushed is what the discovery server has for the ingress gateway, as JSON.
type pushed struct {
	server    *xds.FakeDiscoveryServer
	material  *material
	proxy     *model.Proxy
	listeners []any
	routes    map[string]any
	clusters  map[string]*cluster.Cluster
}

// pod is that of the Gateway of the Gateway API that the case has, or of the default
// ingress gateway.
func (all objects) pod() *model.Proxy {
	labels := map[string]string{"istio": "ingressgateway", "app": "istio-ingressgateway"}
	namespace, account := "istio-system", "istio-ingressgateway"
	if played := all.played(); played != nil {
		labels = map[string]string{nameLabel: played.Name}
		namespace, account = played.Namespace, madeName(played)
	}
	return &model.Proxy{
		Type:            model.Router,
		ID:              "gw." + namespace,
		ConfigNamespace: namespace,
		Labels:          labels,
		VerifiedIdentity: &spiffe.Identity{
			TrustDomain: "cluster.local", Namespace: namespace, ServiceAccount: account,
		},
		Metadata: &model.NodeMetadata{
			Namespace: namespace, Labels: labels, IstioVersion: release, ClusterID: "Kubernetes",
		},
	}
}

// push asks for everything that the gateway is sent.
func push(server *xds.FakeDiscoveryServer, all objects) pushed {
	proxy := server.SetupProxy(all.pod())
	made := pushed{server: server, material: all.material, proxy: proxy, routes: map[string]any{}, clusters: map[string]*cluster.Cluster{}}
	listeners := server.Listeners(proxy)
	for _, listener := range listeners {
		made.listeners = append(made.listeners, tree(listener))
	}
	for _, routes := range server.RoutesFromListeners(proxy, listeners) {
		made.routes[routes.GetName()] = tree(routes)
	}
	for _, one := range server.Clusters(proxy) {
		made.clusters[one.GetName()] = one
	}
	return made
}

// secrets are istiod's answers for these names. A name that it has no Secret
// for gets an answer without resources, which Envoy meets with a reset.
func (p pushed) secrets(names []string) map[string]any {
	answers := map[string]any{}
	generator := p.server.Discovery.Generators[v3.SecretType]
	for _, name := range names {
		answer := map[string]any{"resources": []any{}}
		watched := &model.WatchedResource{TypeUrl: v3.SecretType, ResourceNames: sets.New(name)}
		found, _, err := generator.Generate(p.proxy, watched, &model.PushRequest{Forced: true, Push: p.server.PushContext()})
		if err == nil {
			for _, resource := range found {
				secret := &tls.Secret{}
				if resource.Resource.UnmarshalTo(secret) == nil {
					one := p.material.inline(tree(secret)).(map[string]any)
					one["@type"] = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
					answer["resources"] = append(answer["resources"].([]any), one)
				}
			}
		}
		answers[name] = answer
	}
	return answers
}

// tree is a message as JSON's values, with the field names of the API.
func tree(message proto.Message) any {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		fail(err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		fail(err)
	}
	return value
}

func sorted[V any](values map[string]V) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
