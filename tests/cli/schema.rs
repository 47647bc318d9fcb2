//! `istio-tls schema`.

use crate::harness::Dir;

#[test]
fn the_schema_is_json_and_names_its_draft() {
    let schema = Dir::new().run(&["schema"]).exits(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["version"]["const"], 1);
    Dir::new().run(&["schema", "-o", "yaml"]).exits(2);
}
