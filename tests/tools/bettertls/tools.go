//go:build tools

// Package tools pins BetterTLS, whose test suites for name constraints and path
// building tests/real/bettertls.rs asks; scripts/install-test-tools builds it.
package tools

import _ "github.com/Netflix/bettertls/test-suites/cmd/bettertls"
