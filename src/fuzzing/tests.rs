//! Runs every seed, and every input that once broke something, through its target.

use std::path::{Path, PathBuf};

use super::{TARGETS, run};
use crate::certs::{key, pkcs12};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn seeds_hold() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut named: Vec<String> = files(&seeds)
        .iter()
        .map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    named.sort();
    let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        named, known,
        "each target has a folder of seeds, and each folder a target"
    );
    for (target, _) in TARGETS {
        let seeds = files(&seeds.join(target));
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for seed in seeds {
            let data = std::fs::read(&seed).unwrap();
            let held = std::panic::catch_unwind(|| run(target, &data));
            assert!(held.is_ok(), "{} does not hold", seed.display());
        }
    }
}

fn seed(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(path)).unwrap()
}

#[test]
fn encryption_that_costs_too_much_is_refused_with_words() {
    for (path, why) in [
        ("private_key/pbkdf2-too-many-rounds", "is too high"),
        ("private_key/scrypt-too-much-memory", "is too high"),
        ("private_key/scrypt-too-parallel", "is too high"),
        // Invalid costs: decryption would panic with the first.
        ("private_key/scrypt-cost-0", "has an invalid cost"),
        ("private_key/scrypt-cost-1", "has an invalid cost"),
        (
            "private_key/scrypt-odd-cost",
            "the password is wrong, or the encryption",
        ),
        ("pkcs12/scrypt-without-cost", "has the invalid cost 0"),
    ] {
        let data = seed(path);
        let (password, content) = super::checks::first_line(&data);
        let password = std::str::from_utf8(password).ok();
        let problem = if path.starts_with("pkcs12") {
            pkcs12::read(content, "f", password).err()
        } else {
            key::read(content, "f", password).err()
        };
        let problem = problem.unwrap_or_else(|| panic!("{path} was read"));
        let said = problem.why.unwrap_or_default();
        assert!(said.contains(why), "{path}: {said}");
    }
}
