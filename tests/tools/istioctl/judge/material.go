package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"regexp"
	"strings"
	"time"
)

// Istio looks into the Secrets of Gateway API listeners, and serves none whose
// certificates cannot be read. So placeholders become certificates on the way in and are
// themselves again on the way out.

var placeholders = regexp.MustCompile(`\{\{(chain|key|ca) ([^}]+)\}\}`)

// material holds the PEM of each placeholder.
type material struct {
	pem map[string]string
}

// filled is a text with PEM in place of its placeholders.
func (m *material) filled(text string) string {
	return placeholders.ReplaceAllStringFunc(text, func(found string) string {
		if _, ok := m.pem[found]; !ok {
			m.issue(placeholders.FindStringSubmatch(found)[2])
		}
		return m.pem[found]
	})
}

// emptied is a text with placeholders where their PEM stood.
func (m *material) emptied(text string) string {
	for name, content := range m.pem {
		text = strings.ReplaceAll(text, content, name)
	}
	return text
}

func (m *material) issue(name string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fail(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		fail(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate := func(isCA bool) string {
		template.IsCA, template.BasicConstraintsValid = isCA, true
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			fail(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		fail(err)
	}
	m.pem["{{chain "+name+"}}"] = certificate(false)
	m.pem["{{ca "+name+"}}"] = certificate(true)
	m.pem["{{key "+name+"}}"] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}
