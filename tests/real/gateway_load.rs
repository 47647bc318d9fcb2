//! h2load at the gateway while its configuration is replaced 200 times: no
//! request may fail.

use std::process::{Command, Stdio};
use std::time::Duration;

use istio_tls::gateway::config::table::{ClientAuth, Endpoint, Sample, SniTable, Table};

use super::gateway_fixture::{self as fixture, Authority, SERVER};

/// Loads of so many requests, one after the other, until 200 reloads have
/// happened while one ran: how long a load takes depends on the machine.
fn load(kind: &[&str], requests: usize) {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ca");
    let server = authority.leaf(folder.path(), "server", "a.test", &SERVER);
    let table = || -> Table {
        let chains = SniTable {
            any: Some(fixture::chain("any", &server, ClientAuth::None)),
            ..SniTable::default()
        };
        fixture::table(chains, Endpoint::Sample(Sample::Httpbin))
    };
    let (server, address) = fixture::start(table());
    let mut reloads = 0;
    while reloads < 200 {
        let mut child = Command::new("h2load")
            .args(kind)
            .args(["-n", &requests.to_string(), &format!("https://{address}/status/200")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("h2load is installed (Debian package nghttp2-client)");
        while child.try_wait().expect("a status").is_none() {
            server.replace(table()).expect("a reload");
            reloads += 1;
            // The pace of the reloads, so that they are spread over the load.
            std::thread::sleep(Duration::from_millis(10));
        }
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let all = format!(
            "{requests} total, {requests} started, {requests} done, {requests} succeeded, 0 failed, 0 errored, 0 timeout"
        );
        assert!(text.contains(&all), "{text}");
    }
    server.drain(Duration::from_secs(10));
}

#[test]
fn a_thousand_keep_alive_connections_and_200_reloads_lose_nothing() {
    load(&["--h1", "-c", "1000", "-t", "1"], 60_000);
}

#[test]
fn http2_streams_and_200_reloads_lose_nothing() {
    load(&["-c", "50", "-m", "20", "-t", "1"], 60_000);
}
