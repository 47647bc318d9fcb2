//! Waits until a Deployment's new pods have replaced the old ones.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;
use super::resources::Resource;
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl};

/// The polling interval.
const PAUSE: Duration = Duration::from_millis(500);

/// The progress of a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// All pods are new and available.
    Done,
    /// Not yet, with what it is waiting for.
    Waiting(String),
    /// It failed, with the reason.
    Failed(String),
}

/// Reads a Deployment's status, like `kubectl rollout status`.
pub fn progress(deployment: &Value) -> Progress {
    let status = &deployment["status"];
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    if number(&deployment["metadata"]["generation"]) > number(&status["observedGeneration"]) {
        return Progress::Waiting("the controller has not seen the change yet".to_owned());
    }
    let conditions = status["conditions"].as_array().into_iter().flatten();
    if let Some(stuck) = conditions
        .filter(|condition| condition["type"] == "Progressing")
        .find(|condition| condition["reason"] == "ProgressDeadlineExceeded")
    {
        let message = stuck["message"]
            .as_str()
            .unwrap_or("its progress deadline was exceeded");
        return Progress::Failed(message.to_owned());
    }
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let (all, updated, available) = (
        number(&status["replicas"]),
        number(&status["updatedReplicas"]),
        number(&status["availableReplicas"]),
    );
    if updated < wanted {
        Progress::Waiting(format!("{updated} of {wanted} pods are new"))
    } else if all > updated {
        Progress::Waiting(format!("{} old pods still exist", all - updated))
    } else if available < updated {
        Progress::Waiting(format!("{available} of {updated} new pods are available"))
    } else {
        Progress::Done
    }
}

/// The time limit for a rollout.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The start of the wait, which others may share.
    pub start: Instant,
    /// The duration after that.
    pub wait: Duration,
}

/// Waits for the rollout of a Deployment, with a time limit; `told` is called with what it is
/// waiting for, each time it changes.
///
/// # Errors
/// If it fails, or is not done in time.
pub async fn wait(
    client: &Client<'_>,
    resource: &Resource,
    namespace: &str,
    name: &str,
    limit: Limit,
    told: &mut dyn FnMut(&str),
) -> Result<(), Problem> {
    let Limit { start, wait: limit } = limit;
    let asked = resource.asked("get", Some(namespace), Some(name));
    let rollout = format!("the rollout of {}", asked.title);
    let hint = Remedy::from(kubectl::rollout_status(namespace, name))
        .and(", and ")
        .and(kubectl::get_in(namespace, &["pods"]))
        .at_cluster(&client.access.flags);
    let mut last = String::new();
    loop {
        let deployment = client
            .get(resource, Some(namespace), name)
            .await
            .map_err(|error| client.problem(&error, &asked))?
            .ok_or_else(|| Problem::new(format!("{} is gone", asked.title)))?;
        let awaited = match progress(&deployment) {
            Progress::Done => return Ok(()),
            Progress::Failed(why) => return Err(Problem::new(format!("{rollout} failed")).why(why).fix(hint)),
            Progress::Waiting(awaited) => awaited,
        };
        if start.elapsed() >= limit {
            return Err(
                Problem::new(format!("{rollout} is not done after {} s", limit.as_secs()))
                    .why(awaited)
                    .fix(hint),
            );
        }
        if awaited != last {
            told(&format!("{rollout}: {awaited}"));
            last = awaited;
        }
        tokio::time::sleep(PAUSE.min(limit)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Progress, progress};

    #[test]
    fn a_rollout_is_done_when_every_pod_is_new_and_available() {
        let deployment = |status| json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status});
        for (status, done) in [
            (
                json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                false,
            ),
            (
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}),
                false,
            ),
            (
                json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}),
                false,
            ),
            (
                json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}),
                false,
            ),
            (
                json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                true,
            ),
        ] {
            let found = progress(&deployment(status.clone()));
            assert_eq!(found == Progress::Done, done, "{status}: {found:?}");
        }
        let stuck = deployment(json!({"observedGeneration": 2, "conditions": [
            {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "m"}]}));
        assert_eq!(progress(&stuck), Progress::Failed("m".into()));
    }
}
