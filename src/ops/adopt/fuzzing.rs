//! Fuzzes what `adopt` makes of a folder's files; see [`crate::fuzzing`].

use std::path::Path;

use super::adopted::AdoptedPart;
use super::choose::{Wishes, choose};
use super::sources::{Material, read_content};
use crate::certs::{key, pem};
use crate::fuzzing::checks::{NOW, first_line, told};
use crate::remedy::{Kind, Line};
use crate::workspace::layout::Part;

/// Every chain that is found is complete: its certificate and key belong together.
fn chains(files: &[(&Path, &[u8])]) {
    let mut material = Material::default();
    for (path, content) in files {
        if let Err(problem) = read_content(content, path, Some("changeit"), NOW, &mut material) {
            told(&problem, content);
        }
    }
    for accept_faults in [false, true] {
        let wishes = Wishes {
            host: None,
            accept_faults,
            now: NOW,
            line: Line::new(Kind::Adopt, ["adopt"]),
        };
        match choose(&material, &wishes) {
            Ok(chains) => {
                assert!(!chains.is_empty(), "no error, and no chain");
                for chain in &chains {
                    let content = |part: Part<'static>| {
                        let mut files = chain.files.iter();
                        files
                            .find(|file| file.part == AdoptedPart::Fixed(part))
                            .map(|file| &file.content)
                    };
                    let leaf = chain
                        .leaf()
                        .unwrap_or_else(|| panic!("no certificate of {}", chain.host));
                    if let Some(key) = content(Part::ServerKey)
                        && pem::is_pem(key)
                        && let Ok(key) = key::read(key, "key", Some("changeit"))
                    {
                        assert!(
                            key.fits(&leaf),
                            "the key of {} belongs to another certificate",
                            chain.host
                        );
                    }
                }
            }
            Err(failure) => {
                told(&failure.problem, &[]);
            }
        }
    }
}

/// The files of a tree as `adopt` reads them: each has its path on a line, then its
/// content, with NUL between files.
pub(crate) fn tree(data: &[u8]) {
    let files = data.split(|byte| *byte == 0).map(|part| {
        let (path, content) = first_line(part);
        // Short, so that it cannot contain a line of the content.
        (String::from_utf8_lossy(path).chars().take(60).collect(), content)
    });
    let files: Vec<(String, &[u8])> = files.collect();
    let files: Vec<(&Path, &[u8])> = files
        .iter()
        .map(|(path, content)| (Path::new(path), *content))
        .collect();
    chains(&files);
}
