package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"istio.io/istio/pkg/config/schema/gatewayapi"
	"istio.io/istio/pkg/config/schema/gvr"
	"istio.io/istio/pkg/kube"
	"istio.io/istio/pkg/kube/kclient/clienttest"
	"istio.io/istio/pkg/test"
)

// nameLabel is what istiod labels the pods of a Gateway with.
const nameLabel = "gateway.networking.k8s.io/gateway-name"

// definition is a CustomResourceDefinition, as scripts/gateway-api-schemas keeps it.
type definition struct {
	Schemas  []map[string]any `json:"schemas"`
	Versions map[string]struct {
		Schema int `json:"schema"`
	} `json:"versions"`
}

// definitions are those of the Gateway API by kind.
var definitions map[string]definition

// readDefinitions reads them from a file.
func readDefinitions(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, &definitions)
}

// stored is a document of the Gateway API with the defaults that an API server fills in.
func stored(document string) ([]byte, error) {
	var object map[string]any
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		return nil, err
	}
	kind, _ := object["kind"].(string)
	apiVersion, _ := object["apiVersion"].(string)
	known := definitions[kind]
	if version, ok := known.Versions[apiVersion[strings.Index(apiVersion, "/")+1:]]; ok {
		fillIn(known.Schemas[version.Schema], object)
	}
	return json.Marshal(object)
}

// fillIn puts a schema's defaults where nothing is.
func fillIn(schema map[string]any, value any) {
	switch value := value.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			property := property.(map[string]any)
			if preset, ok := property["default"]; ok && value[name] == nil {
				value[name] = copyOf(preset)
			}
			if value[name] != nil {
				fillIn(property, value[name])
			}
		}
	case []any:
		if items, ok := schema["items"].(map[string]any); ok {
			for _, item := range value {
				fillIn(items, item)
			}
		}
	}
}

func copyOf(value any) any {
	var made any
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, &made)
	}
	if err != nil {
		fail(err)
	}
	return made
}

// played is the first Gateway for which istiod makes pods, if there is one.
func (all objects) played() *gateway.Gateway {
	for _, object := range all.kubernetes {
		if one, ok := object.(*gateway.Gateway); ok && isManaged(one) {
			return one
		}
	}
	return nil
}

func isManaged(one *gateway.Gateway) bool {
	for _, address := range one.Spec.Addresses {
		if address.Type != nil && *address.Type == gateway.HostnameAddressType {
			return false
		}
	}
	return true
}

// madeName is what istiod calls the Deployment, Service and account of a Gateway.
func madeName(one *gateway.Gateway) string {
	return fmt.Sprintf("%s-%s", one.Name, one.Spec.GatewayClassName)
}

// madeServices are the Services that istiod's deployment controller, which does not run
// here, would make for the Gateways.
func (all objects) madeServices() []runtime.Object {
	made := []runtime.Object{}
	for _, object := range all.kubernetes {
		one, ok := object.(*gateway.Gateway)
		if !ok || !isManaged(one) {
			continue
		}
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: madeName(one), Namespace: one.Namespace},
			Spec: corev1.ServiceSpec{
				ClusterIP: "10.0.0.10",
				Selector:  map[string]string{nameLabel: one.Name},
			},
		}
		seen := map[int32]bool{}
		add := func(name gateway.SectionName, port gateway.PortNumber) {
			if port != 0 && !seen[port] {
				seen[port] = true
				service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
					Name: fmt.Sprintf("tcp-%s", name), Port: port, TargetPort: intstr.FromInt32(port), Protocol: corev1.ProtocolTCP,
				})
			}
		}
		for _, listener := range one.Spec.Listeners {
			add(listener.Name, listener.Port)
		}
		for _, object := range all.kubernetes {
			if set, ok := object.(*gateway.ListenerSet); ok && string(set.Spec.ParentRef.Name) == one.Name {
				for _, listener := range set.Spec.Listeners {
					add(listener.Name, listener.Port)
				}
			}
		}
		made = append(made, service)
	}
	return made
}

// withDefinitions adds the definitions that Istio's test server leaves out. None there
// has a version, which istiod wants to be recent enough.
func withDefinitions(client kube.Client) {
	clear(gatewayapi.MinimumCRDVersions)
	err := test.Wrap(func(t test.Failer) {
		clienttest.MakeCRD(t, client, gvr.ListenerSet)
		clienttest.MakeCRD(t, client, gvr.BackendTLSPolicy)
	})
	if err != nil {
		fail(err)
	}
}
