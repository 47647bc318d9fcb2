//! The programs that scripts/install-test-tools puts into the tools' folder.

use std::path::{Path, PathBuf};

/// The folder that scripts/install-test-tools fills.
pub(crate) fn tools_folder() -> PathBuf {
    std::env::var_os("ISTIO_TLS_TOOLS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"),
        PathBuf::from,
    )
}

/// Where a tool is; fails when it is not installed.
#[track_caller]
pub(crate) fn tool(name: &str) -> PathBuf {
    installed(&Path::new("bin").join(name))
}

/// Where a file of the tools' folder is; fails when it is not installed.
#[track_caller]
pub(crate) fn installed(name: &Path) -> PathBuf {
    let path = tools_folder().join(name);
    assert!(
        path.exists(),
        "{} is not there: run scripts/install-test-tools, or set ISTIO_TLS_TOOLS",
        path.display()
    );
    path
}
