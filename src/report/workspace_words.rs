//! Texts about the workspace that several commands print.

use crate::files::shown;
use crate::names::Host;
use crate::ops::host_secrets;
use crate::workspace::file::WorkspaceFile;

/// What istio-tls.yaml records for a host: its mode and the names of its Secrets. None if
/// it has no entry.
pub(super) fn recorded(file: &WorkspaceFile, host: &Host) -> Option<String> {
    let entry = file.config.host(host)?;
    Some(format!(
        "{}: {host} is recorded, mode {}, {}",
        shown(&file.path),
        file.config.mode_of(entry).word(),
        host_secrets::titles(&file.config, entry)
    ))
}

/// The date of an RFC 3339 time.
pub(super) fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}
