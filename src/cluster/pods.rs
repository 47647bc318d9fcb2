//! Access to pods through the API server and the pod's node: the log of a container, a command in a
//! container, and forwarding to a port.

mod forward;
mod words;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::client::{Call, Client, REQUEST_LIMIT, bounded, stream_error};
use crate::problem::Problem;

pub use forward::Forward;
use words::Wanted;

/// The maximum size of a log or command output, in bytes.
const OUTPUT_LIMIT: u64 = 16 << 20;
/// The maximum size of a command's error output, in bytes.
const COMPLAINT_LIMIT: u64 = 4 << 10;

/// A reference to a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for PodRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The last `lines` lines of a container's log, at most 16 MiB. Invalid UTF-8 is replaced. A pod
/// that is not scheduled yet has an empty log.
///
/// # Errors
/// If the pod or container does not exist or has not started, its node cannot be reached, or the
/// user may not read logs.
pub async fn logs(client: &Client<'_>, pod: &PodRef, container: &str, lines: u32) -> Result<String, Problem> {
    let path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?container={container}&tailLines={lines}&limitBytes={OUTPUT_LIMIT}",
        pod.namespace, pod.name
    );
    let log = client.bytes(&Call::get(path)).await;
    let log = log.map_err(|error| Wanted::log(pod, container).problem(&error, &client.access))?;
    Ok(String::from_utf8_lossy(&log).into_owned())
}

/// The standard output of a command in a container, at most 16 MiB and one minute.
///
/// # Errors
/// See [`logs`]; also if the command cannot be run, fails with an exit code, or prints too much.
pub async fn exec(client: &Client<'_>, pod: &PodRef, container: &str, command: &[&str]) -> Result<Vec<u8>, Problem> {
    let wanted = Wanted::exec(pod, container);
    let pods = api(client, pod);
    let asked = AttachParams::default().container(container);
    let process = client
        .persist(|| {
            bounded(async {
                let process = pods.exec(&pod.name, command.iter().copied(), &asked).await;
                process.map_err(|error| stream_error(&error))
            })
        })
        .await;
    let mut process = process.map_err(|error| wanted.problem(&error, &client.access))?;
    let (stdout, stderr, status) = (process.stdout(), process.stderr(), process.take_status());
    let run = async {
        let status = async {
            match status {
                Some(status) => status.await,
                None => None,
            }
        };
        tokio::join!(read(stdout, OUTPUT_LIMIT), read(stderr, COMPLAINT_LIMIT), status)
    };
    let line = command.join(" ");
    let ended = tokio::time::timeout(REQUEST_LIMIT, run).await;
    let (output, complaint, status) = ended.map_err(|_| wanted.too_long(&line, REQUEST_LIMIT.as_secs()))?;
    let status = status.ok_or_else(|| wanted.broke_off(&line))?;
    if status.status.as_deref() != Some("Success") {
        let status = serde_json::to_value(status).unwrap_or_default();
        let failed = wanted.command_failed(&line, &status, &String::from_utf8_lossy(&complaint));
        return Err(client.access.aim(failed));
    }
    if output.len() as u64 > OUTPUT_LIMIT {
        return Err(wanted.too_much(&line, OUTPUT_LIMIT >> 20));
    }
    Ok(output)
}

fn api(client: &Client<'_>, pod: &PodRef) -> Api<Pod> {
    Api::namespaced(client.streams().clone(), &pod.namespace)
}

/// Reads to the end and keeps one byte more than `limit`, so that a longer output is detected; the
/// rest is read, too, because the process would block otherwise.
async fn read(stream: Option<impl AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else { return kept };
    // A stream that breaks off is recognised by its missing status.
    let _ = (&mut stream).take(limit + 1).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    kept
}
