//! Fuzz targets of what only the commands can reach; see [`crate::fuzzing`].

use std::path::Path;

use super::adopt::fuzzing as adopted;

/// A duration as it is typed: what is taken is bounded, and means what it says.
pub(crate) fn duration(text: &str) {
    match super::duration::parse(text) {
        Ok(length) => {
            assert!(length.as_secs() <= 3_660 * 86_400, "{text:?} is {length:?}");
            assert_eq!(
                super::duration::parse(&format!("{}ms", length.as_millis())),
                Ok(length),
                "{text:?}"
            );
        }
        Err(why) => assert!(!why.is_empty()),
    }
}

/// The files of a tree, each its path on a line and its content, with NUL
/// between them, as `adopt` reads them.
pub(crate) fn adopt(data: &[u8]) {
    let files = data.split(|byte| *byte == 0).map(|part| {
        let (path, content) = crate::fuzzing::first_line(part);
        // Short, so that no line of the content stands in it.
        (String::from_utf8_lossy(path).chars().take(60).collect(), content)
    });
    let files: Vec<(String, &[u8])> = files.collect();
    let files: Vec<(&Path, &[u8])> = files
        .iter()
        .map(|(path, content)| (Path::new(path), *content))
        .collect();
    adopted::chains(&files);
}
