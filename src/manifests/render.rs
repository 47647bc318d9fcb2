//! Objects as YAML or JSON text. Strings are quoted wherever a reader of
//! YAML 1.1, as Kubernetes' is, would take them for something else.

use serde::Serialize;
use zeroize::Zeroizing;

use super::model::Manifest;

/// Objects as YAML documents, `---` between them.
pub fn yaml(objects: &[Manifest]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (index, object) in objects.iter().enumerate() {
        if index > 0 {
            text.push_str("---\n");
        }
        text.push_str(&yaml_document(object));
    }
    text
}

/// Any value as one YAML document.
pub fn yaml_document<T: Serialize>(value: &T) -> Zeroizing<String> {
    let options = serde_saphyr::ser_options! {
        indent_step: 2,
        compact_list_indent: true,
        // Base64 stays on its line; text of several lines is a block.
        folded_wrap_chars: 1 << 30,
    };
    Zeroizing::new(
        serde_saphyr::to_string_with_options(value, options)
            .expect("objects hold strings, numbers, lists and maps with text keys, which YAML can say"),
    )
}

/// Objects as JSON: a `List` that kubectl takes.
pub fn json(objects: &[Manifest]) -> Zeroizing<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct List<'a> {
        api_version: &'static str,
        kind: &'static str,
        items: &'a [Manifest],
    }
    let list = List {
        api_version: "v1",
        kind: "List",
        items: objects,
    };
    json_document(&list)
}

/// Any value as JSON, indented, with a final newline.
pub fn json_document<T: Serialize>(value: &T) -> Zeroizing<String> {
    let mut text =
        Zeroizing::new(serde_json::to_string_pretty(value).expect("objects hold nothing that JSON cannot say"));
    text.push('\n');
    text
}
