// kubelet plays a node's kubelet for an API server: what it asks a kubelet for
// when somebody wants a pod's log, runs a command in a container, or forwards a
// port. The wire is Kubernetes' own (its streaming server, over SPDY and
// WebSockets); the pods behind it are played from a file that is read anew for
// every request.
//
//	kubelet -client-ca FILE -play FILE
//
// It listens with TLS on a free port of 127.0.0.1, prints the address as its one
// line of standard output, and answers only clients whose certificate that CA
// signed. The played pods, as JSON; paths are relative to that file:
//
//	{"pods": {"NAMESPACE/POD": {
//	  "containers": {"istio-proxy": {
//	    "log": "FILE",
//	    "exec": [{"command": ["pilot-agent", "request", "GET", "certs"],
//	              "stdout": "FILE", "stderr": "words", "exitCode": 0}]}},
//	  "ports": {"8443": "127.0.0.1:12345"}}}}
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"
)

// A connection without a byte for so long is ended, as the kubelet does.
const idle = 4 * time.Hour

// How long a pod may go on sending when its client has gone.
const linger = time.Second

type played struct {
	Pods map[string]pod `json:"pods"`
}

type pod struct {
	Containers map[string]container `json:"containers"`
	// Where each port of the pod leads.
	Ports map[string]string `json:"ports"`
}

type container struct {
	Log  string   `json:"log"`
	Exec []answer `json:"exec"`
}

type answer struct {
	Command  []string `json:"command"`
	Stdout   string   `json:"stdout"`
	Stderr   string   `json:"stderr"`
	ExitCode int      `json:"exitCode"`
}

type node struct {
	file string
}

// find reads the file anew and looks a pod up in it.
func (n node) find(name string) (pod, error) {
	content, err := os.ReadFile(n.file)
	if err != nil {
		return pod{}, err
	}
	var all played
	if err := json.Unmarshal(content, &all); err != nil {
		return pod{}, fmt.Errorf("%s: %w", n.file, err)
	}
	found, ok := all.Pods[name]
	if !ok {
		return pod{}, fmt.Errorf("pod %q does not exist", name)
	}
	return found, nil
}

func (n node) findContainer(name, containerName string) (container, error) {
	found, err := n.find(name)
	if err != nil {
		return container{}, err
	}
	inside, ok := found.Containers[containerName]
	if !ok {
		return container{}, fmt.Errorf("container %q does not run in pod %q", containerName, name)
	}
	return inside, nil
}

// read reads a file that the played pods name; none is empty.
func (n node) read(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(n.file), name)
	}
	return os.ReadFile(name)
}

func title(r *http.Request) string {
	return r.PathValue("namespace") + "/" + r.PathValue("pod")
}

func (n node) logs(w http.ResponseWriter, r *http.Request) {
	inside, err := n.findContainer(title(r), r.PathValue("container"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	text, err := n.read(inside.Log)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if tail := r.FormValue("tailLines"); tail != "" {
		lines, err := strconv.Atoi(tail)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		text = last(text, lines)
	}
	if limit, err := strconv.Atoi(r.FormValue("limitBytes")); err == nil && limit < len(text) {
		text = text[:limit]
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = w.Write(text)
}

// last gives the last lines of a text.
func last(text []byte, lines int) []byte {
	all := bytes.SplitAfter(text, []byte("\n"))
	if len(all[len(all)-1]) == 0 {
		all = all[:len(all)-1]
	}
	return bytes.Join(all[max(0, len(all)-lines):], nil)
}

func (n node) exec(w http.ResponseWriter, r *http.Request) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	// A kubelet knows its pods before a stream is opened.
	if _, err := n.findContainer(title(r), r.PathValue("container")); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	remotecommand.ServeExec(w, r, n, title(r), "", r.PathValue("container"), r.URL.Query()["command"], options,
		idle, remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

// ExecInContainer answers a command as the file says.
func (n node) ExecInContainer(_ context.Context, name, _, containerName string, command []string, _ io.Reader, stdout, stderr io.WriteCloser,
	_ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	inside, err := n.findContainer(name, containerName)
	if err != nil {
		return err
	}
	known := slices.IndexFunc(inside.Exec, func(one answer) bool { return slices.Equal(one.Command, command) })
	if known < 0 {
		return fmt.Errorf("no such command in the container: %q", command)
	}
	found := inside.Exec[known]
	output, err := n.read(found.Stdout)
	if err != nil {
		return err
	}
	if stdout != nil {
		if _, err := stdout.Write(output); err != nil {
			return err
		}
	}
	if stderr != nil {
		if _, err := io.WriteString(stderr, found.Stderr); err != nil {
			return err
		}
	}
	if found.ExitCode != 0 {
		return exec.CodeExitError{Err: fmt.Errorf("exit status %d", found.ExitCode), Code: found.ExitCode}
	}
	return nil
}

func (n node) forward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := n.find(title(r)); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	portforward.ServePortForward(w, r, n, title(r), "", options, idle, remotecommand.DefaultStreamCreationTimeout, portforward.SupportedProtocols)
}

// PortForward copies between a stream and where the pod's port leads, until the
// pod has ended its side.
func (n node) PortForward(_ context.Context, name, _ string, port int32, stream io.ReadWriteCloser) error {
	found, err := n.find(name)
	if err != nil {
		return err
	}
	address, ok := found.Ports[strconv.Itoa(int(port))]
	if !ok {
		return fmt.Errorf("nothing listens on port %d of pod %q: connection refused", port, name)
	}
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	log.Printf("port %d of %s: begins", port, name)
	defer log.Printf("port %d of %s: ends", port, name)
	go func() {
		_, _ = io.Copy(connection, stream)
		// The client has ended its side: what the pod has yet to say may come.
		_ = connection.(*net.TCPConn).CloseWrite()
		_ = connection.SetReadDeadline(time.Now().Add(linger))
	}()
	_, err = io.Copy(stream, connection)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

// certificate is self-signed, as a kubelet's is where nobody gives it another.
func certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "system:node:played"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(48 * time.Hour),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{leaf}, PrivateKey: key}, err
}

func run() error {
	ca := flag.String("client-ca", "", "the CA of the API server's client certificate, PEM")
	file := flag.String("play", "", "the pods that are played, JSON")
	flag.Parse()
	authority, err := os.ReadFile(*ca)
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(authority) {
		return fmt.Errorf("%s holds no certificate", *ca)
	}
	own, err := certificate()
	if err != nil {
		return err
	}
	n := node{file: *file}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", n.logs)
	for _, method := range []string{"GET", "POST"} {
		routes.HandleFunc(method+" /exec/{namespace}/{pod}/{container}", n.exec)
		routes.HandleFunc(method+" /portForward/{namespace}/{pod}", n.forward)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			log.Printf("%s %s", r.Method, r.URL)
			routes.ServeHTTP(w, r)
		}),
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{own},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    clients,
			// A connection that becomes a stream cannot be HTTP/2.
			NextProtos: []string{"http/1.1"},
		},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	return server.ServeTLS(listener, "", "")
}

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}
