//! Objects as YAML or JSON text. Strings are quoted wherever a YAML 1.1 parser, as in Kubernetes,
//! would interpret them differently.

use serde::Serialize;
use zeroize::Zeroizing;

use super::model::Manifest;

/// Objects as YAML documents, separated by `---`.
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
        // Base64 stays on one line; multi-line text is a block.
        folded_wrap_chars: 1 << 30,
    };
    Zeroizing::new(
        serde_saphyr::to_string_with_options(value, options)
            .expect("objects hold strings, numbers, lists and maps with text keys, which YAML can say"),
    )
}

/// Objects as JSON: a `List` that kubectl accepts.
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{json, yaml};
    use crate::manifests::load::load;
    use crate::manifests::model::secret::{SecretBytes, SecretText};
    use crate::manifests::model::{Manifest, ObjectMeta, Secret};

    /// Text that some YAML parsers interpret differently.
    const AWKWARD: &[&str] = &[
        "",
        " ",
        "~",
        "null",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "true",
        "012",
        "0x1f",
        "1_000",
        "1e3",
        ".5",
        "12:30",
        "190:20:30",
        "2024-01-01",
        "=",
        "<<",
        "-",
        "?",
        ":",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "{a}",
        "[a]",
        "'",
        "\"",
        "\\",
        "a\nb",
        "a\n",
        "\n",
        "\na",
        " a",
        "a ",
        "\ta",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "---",
        "...",
        "--- a",
        "é",
        "\u{1f600}",
        ".inf",
        "+1",
        "0o14",
        "a\r\nb",
        "\u{7}",
    ];

    fn secret(texts: &[String]) -> Manifest {
        let named = |text: &String| (text.clone(), text.clone());
        let mut secret = Secret::new(
            ObjectMeta {
                annotations: texts.iter().map(named).collect(),
                ..ObjectMeta::new("s", "n")
            },
            "Opaque",
            texts
                .iter()
                .map(|text| (text.clone(), SecretBytes::new(text.clone().into_bytes())))
                .collect(),
        );
        secret.string_data = texts
            .iter()
            .map(|text| (text.clone(), SecretText::new(text.clone())))
            .collect::<BTreeMap<_, _>>();
        Manifest::Secret(secret)
    }

    fn comes_back(object: &Manifest) {
        for text in [yaml(std::slice::from_ref(object)), json(std::slice::from_ref(object))] {
            let loaded = load(&text, "made")
                .whole()
                .unwrap_or_else(|error| panic!("{error}\n{}", *text));
            assert_eq!(&loaded.objects[0].manifest, object, "\n{}", *text);
        }
    }

    #[test]
    fn awkward_text_comes_back() {
        for text in AWKWARD {
            comes_back(&secret(&[(*text).to_owned()]));
        }
    }

    #[test]
    fn pem_stands_as_a_block() {
        let pem = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
        let mut made = Secret::new(ObjectMeta::new("s", "n"), "Opaque", BTreeMap::new());
        made.string_data.insert("tls.crt".into(), SecretText::new(pem.into()));
        let text = yaml(&[Manifest::Secret(made)]);
        assert!(
            text.contains("tls.crt: |\n    -----BEGIN CERTIFICATE-----\n    MII\n"),
            "{}",
            *text
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn any_text_comes_back(texts in prop::collection::vec("\\PC{0,12}|[ -~\n\t]{0,20}", 0..4)) {
            comes_back(&secret(&texts));
        }
    }
}
