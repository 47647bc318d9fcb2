// crdcheck judges manifests as an API server would on create: the schema of
// the object's CustomResourceDefinition, unknown fields, list keys, and the
// rules in x-kubernetes-validations (CEL). Kinds of Kubernetes itself are
// decoded strictly into their Go types, so a misspelt field shows there, too.
//
//	crdcheck -crds FOLDER [FILE...]
//
// Without files it reads standard input. It prints one line of JSON for each
// object, {"object": "Kind namespace/name", "errors": [...]}, and exits with 1
// when any object has an error, with 2 when it cannot do its work.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	gvk "k8s.io/apimachinery/pkg/runtime/schema"
	nameCheck "k8s.io/apimachinery/pkg/util/validation"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// checker is what one version of one CRD asks of an object.
type checker struct {
	structural *schema.Structural
	openapi    validation.SchemaValidator
	rules      *cel.Validator
	namespaced bool
}

type checkers struct {
	sources map[gvk.GroupVersionKind]source
	ready   map[gvk.GroupVersionKind]*checker
}

// source is a CRD version that was read but not yet compiled: compiling all
// of them takes seconds, and most runs need three.
type source struct {
	schema     *apiextensionsv1.JSONSchemaProps
	namespaced bool
}

func main() {
	folder := flag.String("crds", "", "folder of CustomResourceDefinitions")
	flag.Parse()
	bad, err := run(*folder, flag.Args(), os.Stdin, os.Stdout)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "crdcheck:", err)
		os.Exit(2)
	case bad:
		os.Exit(1)
	}
}

func run(folder string, files []string, stdin io.Reader, stdout io.Writer) (bad bool, err error) {
	crds, err := load(folder)
	if err != nil {
		return false, err
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, appsv1.AddToScheme, rbacv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return false, err
		}
	}
	out := json.NewEncoder(stdout)
	judge := func(name string, reader io.Reader) error {
		return documents(reader, func(number int, document []byte) error {
			object, problems := check(crds, scheme, document)
			if object == "" && problems == nil {
				return nil
			}
			if object == "" {
				object = fmt.Sprintf("%s, document %d", name, number)
			}
			if problems == nil {
				problems = []string{}
			}
			bad = bad || len(problems) > 0
			return out.Encode(struct {
				Object string   `json:"object"`
				Errors []string `json:"errors"`
			}{object, problems})
		})
	}
	if len(files) == 0 {
		return bad, judge("stdin", stdin)
	}
	for _, file := range files {
		reader, err := os.Open(file)
		if err != nil {
			return bad, err
		}
		err = judge(file, reader)
		reader.Close()
		if err != nil {
			return bad, fmt.Errorf("%s: %w", file, err)
		}
	}
	return bad, nil
}

func documents(reader io.Reader, visit func(int, []byte) error) error {
	split := utilyaml.NewYAMLReader(bufio.NewReader(reader))
	for number := 1; ; number++ {
		document, err := split.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(number, document); err != nil {
			return err
		}
	}
}

func load(folder string) (*checkers, error) {
	if folder == "" {
		return nil, errors.New("-crds FOLDER is required")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := &checkers{sources: map[gvk.GroupVersionKind]source{}, ready: map[gvk.GroupVersionKind]*checker{}}
	for _, file := range files {
		reader, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		err = documents(reader, func(number int, document []byte) error {
			var crd apiextensionsv1.CustomResourceDefinition
			if err := yaml.Unmarshal(document, &crd); err != nil {
				return fmt.Errorf("document %d: %w", number, err)
			}
			if crd.Kind != "CustomResourceDefinition" {
				return nil
			}
			for _, version := range crd.Spec.Versions {
				if version.Served && version.Schema != nil {
					key := gvk.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
					all.sources[key] = source{version.Schema.OpenAPIV3Schema, crd.Spec.Scope == apiextensionsv1.NamespaceScoped}
				}
			}
			return nil
		})
		reader.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	if len(all.sources) == 0 {
		return nil, fmt.Errorf("%s holds no CustomResourceDefinition", folder)
	}
	return all, nil
}

func (all *checkers) get(key gvk.GroupVersionKind) (*checker, error) {
	if ready, ok := all.ready[key]; ok {
		return ready, nil
	}
	from, ok := all.sources[key]
	if !ok {
		return nil, nil
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(from.schema, &props, nil); err != nil {
		return nil, err
	}
	structural, err := schema.NewStructural(&props)
	if err != nil {
		return nil, err
	}
	openapi, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return nil, err
	}
	made := &checker{structural, openapi, cel.NewValidator(structural, true, celconfig.PerCallLimit), from.namespaced}
	all.ready[key] = made
	return made, nil
}

// check gives the object's name and what is wrong with it; neither for an
// empty document.
func check(crds *checkers, scheme *runtime.Scheme, document []byte) (string, []string) {
	var content map[string]any
	if err := yaml.UnmarshalStrict(document, &content); err != nil {
		return "", []string{err.Error()}
	}
	if len(content) == 0 {
		return "", nil
	}
	// JSON numbers as an API server decodes them: integers stay integers.
	encoded, err := json.Marshal(content)
	if err != nil {
		return "", []string{err.Error()}
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(encoded); err != nil {
		return "", []string{err.Error()}
	}
	name := fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())
	custom, err := crds.get(object.GroupVersionKind())
	if err != nil {
		return name, []string{err.Error()}
	}
	if custom != nil {
		return name, custom.check(object)
	}
	if scheme.Recognizes(object.GroupVersionKind()) {
		return name, checkKnown(scheme, object.GroupVersionKind(), encoded)
	}
	return name, []string{fmt.Sprintf("no schema for %s", object.GroupVersionKind())}
}

func checkKnown(scheme *runtime.Scheme, key gvk.GroupVersionKind, encoded []byte) []string {
	target, err := scheme.New(key)
	if err != nil {
		return []string{err.Error()}
	}
	strict, err := strictjson.UnmarshalStrict(encoded, target)
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	for _, problem := range strict {
		problems = append(problems, problem.Error())
	}
	return problems
}

func (c *checker) check(object *unstructured.Unstructured) []string {
	var problems []string
	for _, problem := range nameCheck.IsDNS1123Subdomain(object.GetName()) {
		problems = append(problems, "metadata.name: "+problem)
	}
	if !c.namespaced && object.GetNamespace() != "" {
		problems = append(problems, "metadata.namespace: the kind has no namespace")
	}
	unknown := pruning.PruneWithOptions(object.Object, c.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	sort.Strings(unknown)
	for _, path := range unknown {
		problems = append(problems, "unknown field "+path)
	}
	defaulting.Default(object.Object, c.structural)
	for _, problem := range validation.ValidateCustomResource(nil, object.Object, c.openapi) {
		problems = append(problems, problem.Error())
	}
	for _, problem := range listtype.ValidateListSetsAndMaps(nil, c.structural, object.Object) {
		problems = append(problems, problem.Error())
	}
	if c.rules != nil {
		broken, _ := c.rules.Validate(context.Background(), nil, c.structural, object.Object, nil, celconfig.RuntimeCELCostBudget)
		for _, problem := range broken {
			problems = append(problems, problem.Error())
		}
	}
	return problems
}
