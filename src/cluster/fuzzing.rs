//! Fuzz targets for private code of this module; see [`crate::fuzzing`].

use std::path::{Path, PathBuf};

use kube::config::Kubeconfig;

use super::failure::withheld;
use super::kubeconfig::{chosen, flags, is_loopback, unreadable, user_of};
use crate::fuzzing::checks::told;
use crate::secrecy::looks_like_key;

/// A kubeconfig: messages about it quote none of its values.
pub(crate) fn kubeconfig(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let said = withheld(text);
    assert!(!looks_like_key(text) || !said.contains(text));
    assert!(said.chars().count() <= 400);
    let _ = is_loopback(text);
    let files = [PathBuf::from("config")];
    let kubeconfig = match Kubeconfig::from_yaml(text) {
        Ok(kubeconfig) => kubeconfig,
        Err(error) => return told(&unreadable(&files, &error), data),
    };
    for wanted in [None, Some("one")] {
        match chosen(&kubeconfig, wanted, &files) {
            Ok(context) => {
                assert!(kubeconfig.contexts.iter().any(|known| known.name == context));
                assert!(!user_of(&kubeconfig, &context).is_empty() || !text.is_empty());
                let typed = flags(&kubeconfig, &context, Some(Path::new("a b"))).to_string();
                assert!(typed.ends_with("--kubeconfig 'a b'"), "{typed}");
            }
            Err(problem) => told(&problem, &[]),
        }
    }
}
