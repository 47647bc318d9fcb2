// record writes what Istio says of every case of the corpus into one JSON
// file. scripts/record-istioctl builds and runs it.
//
// Of each case it records three answers:
//
//   - analyze: `istioctl analyze --use-kube=false`, which reads no Pods,
//     Services and Secrets from files;
//   - cluster: the same analyzers, with the case's Pods, Services and Secrets
//     and the ingress gateway that Istio assumes, as they see them in a cluster;
//   - validate: `istioctl validate`.
//
// A case is a file of the corpus, or a folder under folder/. Paths, times and
// orders that change from run to run are left out.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"istio.io/istio/pkg/config/analysis/analyzers"
	"istio.io/istio/pkg/config/analysis/diag"
	"istio.io/istio/pkg/config/analysis/local"
	"istio.io/istio/pkg/config/resource"
	"istio.io/istio/pkg/log"
)

// folders is the part of the corpus whose cases are whole folders.
const folders = "folder"

type recording struct {
	Made     string             `json:"made"`
	Istioctl string             `json:"istioctl"`
	Module   string             `json:"module"`
	Cases    map[string]answers `json:"cases"`
}

type answers struct {
	Analyze  analysis  `json:"analyze"`
	Cluster  analysis  `json:"cluster"`
	Validate validated `json:"validate"`
}

type analysis struct {
	Findings []finding `json:"findings"`
	// Unread says why a document was not read.
	Unread []string `json:"unread,omitempty"`
	// Crash is the panic that ended the analysis.
	Crash string `json:"crash,omitempty"`
}

type finding struct {
	Code   string `json:"code"`
	Level  string `json:"level"`
	Object string `json:"object"`
	// File is set where a case has several.
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

type validated struct {
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
}

func main() {
	var r recording
	flag.StringVar(&r.Made, "made", "", "the day, YYYY-MM-DD")
	flag.StringVar(&r.Istioctl, "version", "", "the version of istioctl")
	flag.StringVar(&r.Module, "module", "", "the module that it was built from")
	program := flag.String("istioctl", "", "the program")
	corpus := flag.String("corpus", "", "the folder of the cases")
	out := flag.String("out", "", "the file to write")
	flag.Parse()
	quiet := log.DefaultOptions()
	quiet.SetDefaultOutputLevel(log.OverrideScopeName, log.NoneLevel)
	if err := log.Configure(quiet); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
	if err := record(&r, *program, *corpus, *out); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
	fmt.Println(len(r.Cases), "cases recorded")
}

func record(r *recording, program, corpus, out string) error {
	cases, err := find(corpus)
	if err != nil {
		return err
	}
	r.Cases = map[string]answers{}
	for _, name := range cases {
		one, err := ask(program, corpus, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.Cases[name] = one
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(r); err != nil {
		return err
	}
	return os.WriteFile(out, text.Bytes(), 0o644)
}

// find gives the cases, by their paths below the corpus.
func find(corpus string) ([]string, error) {
	var cases []string
	err := filepath.WalkDir(corpus, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(corpus, path)
		parts := strings.Split(filepath.ToSlash(name), "/")
		switch {
		case entry.IsDir() && parts[0] == folders && len(parts) == 2:
			cases = append(cases, filepath.ToSlash(name))
			return fs.SkipDir
		case !entry.IsDir() && len(parts) == 2:
			cases = append(cases, filepath.ToSlash(name))
		}
		return nil
	})
	sort.Strings(cases)
	return cases, err
}

func ask(program, corpus, name string) (answers, error) {
	var all answers
	everywhere, err := namespacesNamed(filepath.Join(corpus, name))
	if err != nil {
		return all, err
	}
	if all.Analyze, err = analyze(program, corpus, name, everywhere); err != nil {
		return all, err
	}
	if all.Cluster, err = analyzeAll(corpus, name, everywhere); err != nil {
		return all, err
	}
	all.Validate, err = validate(program, corpus, name)
	return all, err
}

// namespacesNamed tells whether every object names its namespace. Then all
// namespaces are analysed; else the objects belong to "default".
func namespacesNamed(path string) (bool, error) {
	files, err := filesOf(path)
	if err != nil {
		return false, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return false, err
		}
		for _, document := range strings.Split(string(content), "\n---") {
			var object struct {
				Kind     string
				Metadata struct{ Namespace string }
			}
			if yaml.Unmarshal([]byte(document), &object) == nil && object.Kind != "" && object.Kind != "List" && object.Metadata.Namespace == "" {
				return false, nil
			}
		}
	}
	return true, nil
}

func filesOf(path string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, file)
		}
		return err
	})
	return files, err
}

// start runs istioctl in the corpus, without a home and a cluster.
func start(program, corpus string, arguments ...string) (stdout, stderr string, code int, err error) {
	home, err := os.MkdirTemp("", "record")
	if err != nil {
		return "", "", 0, err
	}
	defer os.RemoveAll(home)
	var out, problems bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Dir = corpus
	command.Env = []string{"HOME=" + home, "KUBECONFIG=" + filepath.Join(home, "none"), "TERM=dumb", "TZ=UTC"}
	command.Stdout, command.Stderr = &out, &problems
	err = command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out.String(), problems.String(), exit.ExitCode(), nil
	}
	return out.String(), problems.String(), 0, err
}

func analyze(program, corpus, name string, everywhere bool) (analysis, error) {
	arguments := []string{"analyze", "--use-kube=false", "-o", "json"}
	if everywhere {
		arguments = append(arguments, "-A")
	}
	stdout, stderr, _, err := start(program, corpus, append(arguments, name)...)
	if err != nil {
		return analysis{}, err
	}
	one := analysis{Unread: unread(stderr)}
	if crash := regexp.MustCompile(`(?m)^panic: (.*?)(?: \[recovered.*)?$`).FindStringSubmatch(stderr); crash != nil {
		one.Crash, one.Unread = crash[1], nil
		one.Findings = []finding{}
		return one, nil
	}
	// Log lines come first, on the same stream.
	array := regexp.MustCompile(`(?m)^\[\]?$`).FindStringIndex(stdout)
	if array == nil {
		return one, fmt.Errorf("no JSON in\n%s\n%s", stdout, stderr)
	}
	one.Findings, err = findings([]byte(stdout[array[0]:]), name)
	if err != nil {
		return one, fmt.Errorf("%w\n%s\n%s", err, stdout, stderr)
	}
	return one, nil
}

// analyzeAll runs the analyzers in this process: istioctl itself drops Pods,
// Services and Secrets that come from files.
func analyzeAll(corpus, name string, everywhere bool) (one analysis, err error) {
	one.Findings = []finding{}
	defer func() {
		if crash := recover(); crash != nil {
			one, err = analysis{Findings: []finding{}, Crash: fmt.Sprint(crash)}, nil
		}
	}()
	namespace := resource.Namespace("default")
	if everywhere {
		namespace = ""
	}
	judge := local.NewIstiodAnalyzer(analyzers.AllCombined(), namespace, "istio-system", nil)
	// The first reader decides which kinds the store holds; an empty one of
	// this sort makes it hold all.
	if err := judge.AddTestReaderKubeSource(nil); err != nil {
		return one, err
	}
	if err := judge.AddDefaultResources(); err != nil {
		return one, err
	}
	files, err := filesOf(filepath.Join(corpus, name))
	if err != nil {
		return one, err
	}
	var readers []local.ReaderSource
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return one, err
		}
		relative, _ := filepath.Rel(corpus, file)
		readers = append(readers, local.ReaderSource{Name: filepath.ToSlash(relative), Reader: bytes.NewReader(content)})
	}
	if err := judge.AddReaderKubeSource(readers); err != nil {
		one.Unread = unread(err.Error())
	}
	stop := make(chan struct{})
	defer close(stop)
	result, err := judge.Analyze(stop)
	if err != nil {
		return one, err
	}
	encoded, err := json.Marshal(result.Messages.FilterOutLowerThan(diag.Info))
	if err != nil {
		return one, err
	}
	one.Findings, err = findings(encoded, name)
	return one, err
}

func findings(encoded []byte, name string) ([]finding, error) {
	var messages []struct{ Code, Level, Origin, Reference, Message string }
	if err := json.Unmarshal(encoded, &messages); err != nil {
		return nil, err
	}
	all := []finding{}
	for _, m := range messages {
		f := finding{Code: m.Code, Level: m.Level, Object: m.Origin, Message: oneLine(m.Message)}
		if file, line, ok := cutLast(m.Reference, ":"); ok {
			f.Line, _ = strconv.Atoi(line)
			f.File = strings.TrimPrefix(strings.TrimPrefix(file, name), "/")
		}
		all = append(all, f)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].key() < all[j].key() })
	return all, nil
}

func (f finding) key() string {
	return fmt.Sprintf("%s|%s|%s|%06d|%s", f.Code, f.Object, f.File, f.Line, f.Message)
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

var (
	spaces   = regexp.MustCompile(`\s+`)
	pointers = regexp.MustCompile(`0x[0-9a-f]+`)
)

func oneLine(text string) string {
	return pointers.ReplaceAllString(strings.TrimSpace(spaces.ReplaceAllString(text, " ")), "0x…")
}

// entries gives the items of the lists that istioctl prints: each begins with
// a tab and a star, some have several lines, the list ends with an empty line.
func entries(text string) []string {
	var items []string
	for _, part := range strings.Split("\n"+text, "\n\t* ")[1:] {
		item, _, _ := strings.Cut(part, "\n\n")
		items = append(items, oneLine(item))
	}
	return items
}

// unread picks the reasons out of what istioctl prints when it skips documents.
func unread(text string) []string {
	var reasons []string
	for _, entry := range entries(text) {
		if !strings.HasPrefix(entry, "errors parsing content ") {
			reasons = append(reasons, entry)
		}
	}
	return reasons
}

func validate(program, corpus, name string) (validated, error) {
	stdout, stderr, code, err := start(program, corpus, "validate", "-f", name)
	if err != nil {
		return validated{}, err
	}
	one := validated{Errors: []string{}, Warnings: []string{}}
	warnings, failed, _ := strings.Cut(stdout+stderr, "Error: ")
	one.Warnings = append(one.Warnings, entries(warnings)...)
	one.Errors = append(one.Errors, entries(failed)...)
	sort.Strings(one.Warnings)
	sort.Strings(one.Errors)
	if code != 0 && len(one.Errors) == 0 {
		return one, fmt.Errorf("validate exits with %d and says\n%s%s", code, stdout, stderr)
	}
	return one, nil
}
