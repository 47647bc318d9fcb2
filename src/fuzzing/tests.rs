//! Every seed, and every input that once broke something, through its target.

use std::path::{Path, PathBuf};

use super::{TARGETS, run};

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
            // Shown where the seed does not hold.
            println!("{}", seed.display());
            run(target, &data);
        }
    }
}
