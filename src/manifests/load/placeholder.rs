//! Values that another tool fills in: variables of kustomize and Flux, actions of Go templates,
//! paths of a Vault plugin. Their final values are unknown here.

use super::tree::{Node, Value};

/// The first value of a document with a placeholder. Annotations and the status are not
/// configuration, and are skipped.
pub(super) fn first(document: &Node) -> Option<&Node> {
    let Value::Mapping(entries) = &document.value else {
        return None;
    };
    entries.iter().find_map(|entry| match entry.key.as_str() {
        "status" => None,
        "metadata" => {
            let Value::Mapping(entries) = &entry.value.value else {
                return within(&entry.value);
            };
            let mut entries = entries.iter().filter(|entry| entry.key != "annotations");
            entries.find_map(|entry| within(&entry.value))
        }
        _ => within(&entry.value),
    })
}

fn within(node: &Node) -> Option<&Node> {
    match &node.value {
        Value::String(text) => is_placeholder(text).then_some(node),
        Value::Sequence(items) => items.iter().find_map(within),
        Value::Mapping(entries) => entries.iter().find_map(|entry| within(&entry.value)),
        // Unquoted `{{ .Values.host }}` is a mapping whose key is a mapping: a syntax error.
        _ => None,
    }
}

/// Whether a text contains `$(NAME)`, `${NAME}`, `{{ ... }}`, or is a Vault path `<path:...>`.
pub(super) fn is_placeholder(text: &str) -> bool {
    let action = text.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}"));
    action || text.starts_with("<path:") || text.match_indices('$').any(|(at, _)| is_variable(&text[at + 1..]))
}

/// Whether a text begins with a variable name in brackets; within braces, a default may follow
/// (`${HOST:=a.com}`).
fn is_variable(rest: &str) -> bool {
    let (name, closing) = if let Some(rest) = rest.strip_prefix('(') {
        (rest, ")")
    } else if let Some(rest) = rest.strip_prefix('{') {
        (rest, "}")
    } else {
        return false;
    };
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = name.find(|c| !of_name(c)).unwrap_or(name.len());
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = &name[end..];
    begins && (rest.starts_with(closing) || closing == "}" && rest.starts_with(':') && rest.contains('}'))
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn what_another_tool_fills_in() {
        for text in [
            "$(HOST)",
            "a.$(DOMAIN).com",
            "${domain}",
            "shop.${DOMAIN:=example.com}",
            "{{ .Values.host }}",
            "{{host}}.example.com",
            "<path:secret/data/tls#crt>",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "a.com",
            "^/a$",
            "/a{2}$",
            "$1",
            "%REQ(:path)%",
            "{{",
            "<A>",
            "a < b > c",
            "$()",
            "${}",
            "${1}",
            "\u{e9}${A",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
