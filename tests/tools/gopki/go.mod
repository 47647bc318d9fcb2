module istio-tls.dev/tests/gopki

go 1.26
