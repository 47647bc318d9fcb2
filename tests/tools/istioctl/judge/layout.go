package main

import (
	"encoding/json"
	"strings"
)

// width is how long a line may get before what it holds is written over several.
const width = 120

// layout writes a value as JSON for readers of differences: sorted by name,
// and on one line what fits there.
func layout(value any) string {
	var text strings.Builder
	write(&text, value, "", 0)
	text.WriteByte('\n')
	return text.String()
}

func write(text *strings.Builder, value any, indent string, before int) {
	if short := compact(value); len(indent)+before+len(short) <= width {
		text.WriteString(short)
		return
	}
	inner := indent + " "
	switch value := value.(type) {
	case []any:
		text.WriteString("[\n")
		for index, item := range value {
			text.WriteString(inner)
			write(text, item, inner, 1)
			text.WriteString(comma(index, len(value)))
		}
		text.WriteString(indent + "]")
	case map[string]any:
		text.WriteString("{\n")
		for index, name := range sorted(value) {
			key := compact(name) + ": "
			text.WriteString(inner + key)
			write(text, value[name], inner, len(key)+1)
			text.WriteString(comma(index, len(value)))
		}
		text.WriteString(indent + "}")
	default:
		text.WriteString(compact(value))
	}
}

func comma(index, count int) string {
	if index+1 < count {
		return ",\n"
	}
	return "\n"
}

func compact(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		fail(err)
	}
	return strings.TrimSpace(text.String())
}
