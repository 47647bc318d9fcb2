//! How a connection is closed that is not served.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Ends a connection as Envoy ends one that no filter chain wants: by a TCP reset.
pub(super) fn reset(stream: TcpStream) {
    // Lingering for zero seconds makes the close a reset.
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    drop(stream);
}

/// Closes so that the client reads the alert: one with TLS 1.3 has its first
/// request under way already, and to close on unread bytes would be a reset
/// that overtakes the alert.
pub(super) async fn linger(mut stream: TcpStream) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut unread = [0; 1024];
    let drained = async { while matches!(stream.read(&mut unread).await, Ok(1..)) {} };
    let _ = tokio::time::timeout(Duration::from_secs(1), drained).await;
}
