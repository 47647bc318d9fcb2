package main

import (
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/kube"
)

// objects are a case's manifests as the discovery server takes them.
type objects struct {
	configs    []config.Config
	kubernetes []runtime.Object
	refused    string
	material   *material
}

// read takes the objects of files. Those of Istio's API groups are validated as
// its webhook does.
func read(files []string) (objects, error) {
	all := objects{material: &material{pem: map[string]string{}}}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return all, err
		}
		for _, document := range strings.Split("\n"+string(content), "\n---") {
			if err := all.add(document); err != nil {
				return all, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return all, nil
}

func (all *objects) add(document string) error {
	var kind struct {
		APIVersion string `json:"apiVersion"`
	}
	if err := yaml.Unmarshal([]byte(document), &kind); err != nil {
		return err
	}
	switch {
	case kind.APIVersion == "":
		return nil
	case strings.Contains(kind.APIVersion, "istio.io/"):
		configs, unknown, err := crd.ParseInputs(document)
		if err != nil {
			all.refused = err.Error()
			return nil
		}
		if len(unknown) > 0 {
			return fmt.Errorf("unknown kind %v", unknown[0].Kind)
		}
		for _, one := range configs {
			// Without a domain, short hosts would stay short.
			one.Domain = "cluster.local"
			if one.Namespace == "" {
				one.Namespace = "default"
			}
			all.configs = append(all.configs, one)
		}
		return nil
	}
	content := []byte(document)
	if strings.HasPrefix(kind.APIVersion, "gateway.networking.k8s.io/") {
		var err error
		if content, err = stored(document); err != nil {
			return err
		}
	}
	object, _, err := kube.IstioCodec.UniversalDeserializer().Decode(content, nil, nil)
	if err != nil {
		return err
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	if accessor.GetNamespace() == "" {
		accessor.SetNamespace("default")
	}
	if secret, ok := object.(*corev1.Secret); ok {
		// What an API server does with stringData.
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		for key, value := range secret.StringData {
			secret.Data[key] = []byte(all.material.filled(value))
		}
		secret.StringData = nil
	}
	if config, ok := object.(*corev1.ConfigMap); ok {
		for key, value := range config.Data {
			config.Data[key] = all.material.filled(value)
		}
	}
	all.kubernetes = append(all.kubernetes, object)
	return nil
}

func (all objects) options() xds.FakeOptions {
	return xds.FakeOptions{
		Configs:                    all.configs,
		KubernetesObjects:          append(all.madeServices(), all.kubernetes...),
		KubeClientModifier:         withDefinitions,
		DisableSecretAuthorization: true,
	}
}
