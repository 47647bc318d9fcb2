//! Lines that are printed to be typed and need more than this program: openssl, curl,
//! Envoy, or kubectl with a real API server. tests/cli/printed_lines.rs says which.

#[path = "../cli/printed_lines/stage.rs"]
mod stage;

mod programs;
mod requests;

use istio_tls::remedy::Kind;

use stage::Stage;

/// The kinds of the lines that are typed in a situation, and what makes it.
type Scene = (&'static [Kind], fn() -> Stage);

/// Acts scenes, and fails with the kinds that none of them typed.
#[track_caller]
fn act(scenes: &[Scene]) {
    let mut left: Vec<Kind> = Vec::new();
    for (kinds, scene) in scenes {
        let stage = std::panic::catch_unwind(scene).ok();
        let typed = |kind: &Kind| stage.as_ref().is_some_and(|stage| stage.has_typed(*kind));
        left.extend(kinds.iter().filter(|kind| !typed(kind)));
    }
    assert!(left.is_empty(), "{left:?}: see above, or the scene types other kinds");
}
