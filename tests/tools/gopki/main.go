// Gopki says what Go's own libraries make of PEM and of certificates. It reads one
// JSON object per line from standard input and writes one answer per line: empty
// where Go takes it, else Go's error.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// A question: a pair of certificate and key as a server loads them, a bundle of
// CAs, or a chain to verify. Texts are bytes in base64.
type question struct {
	Certificate []byte   `json:"certificate"`
	Key         []byte   `json:"key"`
	Authorities []byte   `json:"authorities"`
	Chain       [][]byte `json:"chain"`
	Roots       [][]byte `json:"roots"`
	Host        string   `json:"host"`
	Client      bool     `json:"client"`
	Now         int64    `json:"now"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var asked question
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil {
			err = answer(&asked)
		}
		said := ""
		if err != nil {
			said = err.Error()
		}
		line, _ := json.Marshal(said)
		fmt.Println(string(line))
	}
}

func answer(asked *question) error {
	switch {
	case asked.Chain != nil:
		return verify(asked)
	case asked.Authorities != nil:
		if !x509.NewCertPool().AppendCertsFromPEM(asked.Authorities) {
			return fmt.Errorf("no certificate")
		}
		return nil
	default:
		_, err := tls.X509KeyPair(asked.Certificate, asked.Key)
		return err
	}
}

func verify(asked *question) error {
	options := x509.VerifyOptions{
		DNSName:       asked.Host,
		Intermediates: x509.NewCertPool(),
		Roots:         x509.NewCertPool(),
		CurrentTime:   time.Unix(asked.Now, 0),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if asked.Client {
		options.KeyUsages = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	for _, der := range asked.Roots {
		root, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		options.Roots.AddCert(root)
	}
	var leaf *x509.Certificate
	for place, der := range asked.Chain {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		if place == 0 {
			leaf = certificate
		} else {
			options.Intermediates.AddCert(certificate)
		}
	}
	_, err := leaf.Verify(options)
	return err
}
