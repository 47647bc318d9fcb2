package main

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// runtimeFlags are what pilot-agent starts Envoy with (istio.io/istio
// pkg/bootstrap, extractRuntimeFlags), but fixed_heap_use_allocated, which this
// Envoy does not know.
var runtimeFlags = map[string]any{
	"re2.max_program_size.error_level":                               "32768",
	"envoy.reloadable_features.http_reject_path_with_fragment":       false,
	"envoy.reloadable_features.coalesce_lb_rebuilds_on_batch_update": false,
}

// fixture joins what was pushed to a bootstrap that needs no control plane.
func (p pushed) fixture() fixture {
	made := fixture{Upstreams: []upstream{}}
	needed := map[string]bool{}
	secrets := map[string]bool{}
	listeners := []any{}
	for _, listener := range p.listeners {
		if local, ok := p.static(listener, secrets).(map[string]any); ok {
			onLoopback(local)
			listeners = append(listeners, local)
			clusterNames(local, needed)
		}
	}
	clusters := []any{}
	for _, name := range sorted(p.clusters) {
		if !needed[name] {
			continue
		}
		one := p.static(tree(p.clusters[name]), secrets).(map[string]any)
		if to, ok := destination(name, one); ok {
			withEndpoint(one, to)
			made.Upstreams = append(made.Upstreams, to)
		}
		clusters = append(clusters, one)
	}
	made.Secrets = p.secrets(sorted(secrets))
	made.Bootstrap = map[string]any{
		"node": map[string]any{"id": "router~127.0.0.1~gw.istio-system~istio-system.svc.cluster.local", "cluster": "gw.istio-system"},
		"layered_runtime": map[string]any{"layers": []any{
			map[string]any{"name": "global config", "static_layer": runtimeFlags},
		}},
		"static_resources": map[string]any{"listeners": listeners, "clusters": clusters},
	}
	return made
}

// static is a value with routes put in where RDS would bring them and Secrets
// as files, without what only Istio's build of Envoy has.
func (p pushed) static(value any, secrets map[string]bool) any {
	switch value := value.(type) {
	case []any:
		kept := []any{}
		for _, item := range value {
			if !foreign(item) {
				kept = append(kept, p.static(item, secrets))
			}
		}
		return kept
	case map[string]any:
		made := map[string]any{}
		for name, item := range value {
			switch name {
			// Logs, traces and notes about an object change no answer.
			case "access_log", "tracing", "alt_stat_name":
			// Plain to endpoints that have no sidecar, as here.
			case "transport_socket_matches":
			case "metadata":
				if about, ok := item.(map[string]any); !ok || about["filter_metadata"] == nil {
					made[name] = p.static(item, secrets)
				}
			case "rds":
				routes, ok := p.routes[item.(map[string]any)["route_config_name"].(string)].(map[string]any)
				if !ok {
					fail(fmt.Errorf("no routes %v", item))
				}
				routes = p.static(routes, secrets).(map[string]any)
				// A cluster that is not there is an answer 503, not an error.
				routes["validate_clusters"] = false
				made["route_config"] = routes
			case "sds_config":
				secret := value["name"].(string)
				secrets[secret] = true
				made[name] = map[string]any{
					"path_config_source":   map[string]any{"path": placeholder("secret", secret)},
					"resource_api_version": "V3",
				}
			default:
				made[name] = p.static(item, secrets)
			}
		}
		return made
	}
	return value
}

// foreign tells whether an item of a list is a filter of Istio's own.
func foreign(item any) bool {
	filter, ok := item.(map[string]any)
	if !ok {
		return false
	}
	name, _ := filter["name"].(string)
	config, _ := filter["typed_config"].(map[string]any)
	kind, _ := config["@type"].(string)
	return strings.HasPrefix(name, "istio.") || strings.HasSuffix(kind, "udpa.type.v1.TypedStruct") ||
		strings.Contains(kind, "/istio.") || name == "envoy.filters.http.grpc_stats" || filter["config_discovery"] != nil
}

// onLoopback moves a listener to a port that the tests choose.
func onLoopback(listener map[string]any) {
	address := listener["address"].(map[string]any)["socket_address"].(map[string]any)
	address["port_value"] = placeholder("port", fmt.Sprint(address["port_value"]))
	address["address"] = "127.0.0.1"
	delete(listener, "additional_addresses")
}

// clusterNames gathers the clusters that routes and TCP proxies name.
func clusterNames(value any, names map[string]bool) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			clusterNames(item, names)
		}
	case map[string]any:
		for field, item := range value {
			name, isText := item.(string)
			// Weighted clusters have their name in `name`.
			if isText && (field == "cluster" || field == "name") {
				names[name] = true
			}
			clusterNames(item, names)
		}
	}
}

// destination tells which Service a cluster leads to.
func destination(name string, cluster map[string]any) (upstream, bool) {
	parts := strings.Split(name, "|")
	if len(parts) != 4 || parts[0] != "outbound" {
		return upstream{}, false
	}
	options, _ := cluster["typed_extension_protocol_options"].(map[string]any)
	http, _ := options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"].(map[string]any)
	explicit, _ := http["explicit_http_config"].(map[string]any)
	protocol := "http"
	if explicit["http2_protocol_options"] != nil {
		protocol = "h2c"
	}
	return upstream{Host: parts[3], Port: parts[1], Subset: parts[2], Protocol: protocol}, true
}

// withEndpoint gives a cluster its one endpoint on loopback.
func withEndpoint(cluster map[string]any, to upstream) {
	for _, field := range []string{"eds_cluster_config", "dns_lookup_family", "dns_refresh_rate", "respect_dns_ttl", "cluster_type"} {
		delete(cluster, field)
	}
	cluster["type"] = "STATIC"
	key := strings.Join([]string{to.Host, to.Port, to.Subset}, "|")
	cluster["load_assignment"] = map[string]any{
		"cluster_name": cluster["name"],
		"endpoints": []any{map[string]any{"lb_endpoints": []any{map[string]any{"endpoint": map[string]any{
			"address": map[string]any{"socket_address": map[string]any{
				"address": "127.0.0.1", "port_value": placeholder("upstream", key),
			}},
		}}}}},
	}
}

// placeholder is what the tests put a port, a path or a PEM in place of.
func placeholder(kind, name string) string { return "{{" + kind + " " + name + "}}" }

// inline shows bytes as text, so that the placeholders in them can be seen.
func (m *material) inline(value any) any {
	switch value := value.(type) {
	case []any:
		for index, item := range value {
			value[index] = m.inline(item)
		}
	case map[string]any:
		if text, ok := value["inline_bytes"].(string); ok {
			if content, err := base64.StdEncoding.DecodeString(text); err == nil {
				return map[string]any{"inline_string": m.emptied(string(content))}
			}
		}
		for name, item := range value {
			value[name] = m.inline(item)
		}
	}
	return value
}
