// Regexps says of each line of its input, a JSON string, whether Go's package
// regexp takes it as an expression, as Istio's admission webhook asks it:
// "true" or "false".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var pattern string
		if err := json.Unmarshal(lines.Bytes(), &pattern); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		_, err := regexp.Compile(pattern)
		fmt.Fprintln(out, err == nil)
	}
}
