//! Lines that are printed to be typed and need more than this program: openssl, curl,
//! Envoy, or kubectl with a real API server. tests/cli/printed_lines.rs says which.

#[path = "../cli/printed_lines/stage.rs"]
mod stage;

mod programs;
mod requests;

use istio_tls::remedy::Kind;

use stage::Stage;

/// What makes a situation, and types the line of a kind that is printed there.
type Scene = (Kind, fn() -> Stage);

/// Acts scenes, and fails with the kinds whose scene did.
#[track_caller]
fn act(scenes: &[Scene]) {
    let fails = |(kind, scene): &&Scene| {
        std::panic::catch_unwind(*scene)
            .map(|stage| stage.has_typed(*kind))
            .ok()
            != Some(true)
    };
    let failed: Vec<Kind> = scenes.iter().filter(fails).map(|(kind, _)| *kind).collect();
    assert!(
        failed.is_empty(),
        "{failed:?}: see above, or the scene types another kind"
    );
}
