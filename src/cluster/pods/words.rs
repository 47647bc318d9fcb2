//! Problems from failures to reach a pod. Pure.

use serde_json::Value;

use super::PodRef;
use crate::cluster::failure::{ApiError, Asked, Status, withheld};
use crate::cluster::kubeconfig::Access;
use crate::problem::Problem;
use crate::remedy::{Remedy, kubectl};

/// What was requested from a pod.
pub(super) struct Wanted<'w> {
    pod: &'w PodRef,
    container: Option<&'w str>,
    verb: &'static str,
    subresource: &'static str,
}

impl<'w> Wanted<'w> {
    pub(super) fn log(pod: &'w PodRef, container: &'w str) -> Self {
        Self {
            pod,
            container: Some(container),
            verb: "get",
            subresource: "log",
        }
    }

    pub(super) fn exec(pod: &'w PodRef, container: &'w str) -> Self {
        Self {
            pod,
            container: Some(container),
            verb: "create",
            subresource: "exec",
        }
    }

    pub(super) fn port_forward(pod: &'w PodRef) -> Self {
        Self {
            pod,
            container: None,
            verb: "create",
            subresource: "portforward",
        }
    }

    /// Why there is no stream or log.
    pub(super) fn problem(&self, error: &ApiError, access: &Access) -> Problem {
        let asked = Asked {
            verb: self.verb,
            resource: format!("pods/{}", self.subresource),
            namespace: Some(self.pod.namespace.clone()),
            title: format!("pod {}", self.pod),
        };
        if let Some(problem) = error.status().and_then(|status| self.own_words(status)) {
            return access.aim(problem.at(format!("context {}", access.context)));
        }
        match error {
            // The check of a stream's second verb has no message.
            ApiError::Status(status) if status.code == 403 && status.message.trim_end().ends_with("forbidden:") => {
                let message = String::new();
                let status = Status {
                    message,
                    ..Status::clone(status)
                };
                ApiError::Status(Box::new(status)).problem(&asked, access)
            }
            _ => error.problem(&asked, access),
        }
    }

    /// Errors that are specific to pods.
    fn own_words(&self, status: &Status) -> Option<Problem> {
        let PodRef { namespace, name } = self.pod;
        let said = |words: &str| status.message.contains(words);
        let describe = || kubectl::describe(namespace, &["pod", name]);
        let missing = status.code == 404 && status.details.kind == "pods";
        // The API server also reports a missing node as a pod.
        let node = Some(status.details.name.as_str()).filter(|node| missing && node != name);
        let problem = if let Some(node) = node {
            Problem::new(format!("the node {node} of the pod {} does not exist", self.pod)).fix(
                Remedy::from(kubectl::get(&["nodes"])).and(
                    " lists them; the pod is removed when its node is \
                    gone for good",
                ),
            )
        } else if missing {
            Problem::new(format!("the pod {} does not exist", self.pod))
                .why("it was deleted or replaced, or never existed")
                .fix(Remedy::from(kubectl::get_in(namespace, &["pods"])).and(" shows the existing ones"))
        } else if status.is_node_unreachable() {
            Problem::new(format!("the node of the pod {} cannot be reached", self.pod))
                .why(withheld(&status.message))
                .fix(
                    Remedy::from(kubectl::get(&["nodes"]))
                        .and(" shows whether it is Ready; the API server must reach its kubelet, port 10250"),
                )
        } else if said("is not valid for pod") {
            let container = self.container.unwrap_or_default();
            Problem::new(format!("the pod {} has no container {container}", self.pod)).why(withheld(&status.message))
        } else if said("does not exist") || (status.code == 404 && status.details.kind == "pods/log") {
            Problem::new(format!("the pod {} is not running on its node", self.pod))
                .why("the pod or container has not started there, or has ended")
                .fix(Remedy::from(describe()).and(" shows more"))
        } else if said("does not have a host assigned") || said("is waiting to start") || said("completed pod") {
            Problem::new(format!("the pod {} is not running", self.pod))
                .why(withheld(&status.message))
                .fix(Remedy::from(describe()).and(" shows what it is waiting for"))
        } else {
            return None;
        };
        Some(problem)
    }

    /// A command that could not be run, or failed: from the API server's status.
    pub(super) fn command_failed(&self, line: &str, status: &Value, complaint: &str) -> Problem {
        let message = status["message"].as_str().unwrap_or_default();
        let typed = serde_json::from_value::<Status>(status.clone()).unwrap_or_default();
        if let Some(problem) = self.own_words(&typed) {
            return problem.at(self.place());
        }
        let causes = status["details"]["causes"].as_array().into_iter().flatten();
        let code = causes
            .filter(|cause| cause["reason"] == "ExitCode")
            .find_map(|cause| cause["message"].as_str());
        let what = match code {
            Some(code) => format!("{line} ended with exit code {code}"),
            None => format!("{line} could not be run"),
        };
        let why = match complaint.trim() {
            "" => message,
            complaint => complaint,
        };
        Problem::new(what).at(self.place()).why(withheld(why))
    }

    /// A port of the pod that cannot be reached, with the node's message.
    pub(super) fn port_failed(&self, port: u16, message: &str) -> Problem {
        let PodRef { namespace, name } = self.pod;
        Problem::new(format!("nothing responds on port {port} of the pod {}", self.pod))
            .at(format!("a port-forward to the pod {}", self.pod))
            .why(withheld(message))
            .fix(
                Remedy::from(kubectl::logs(namespace, &[name]))
                    .and(" shows what listens there: a gateway listens if a Gateway object has the port"),
            )
    }

    /// A stream that ended before the command did.
    pub(super) fn broke_off(&self, line: &str) -> Problem {
        Problem::new(format!("the stream of {line} broke off"))
            .at(self.place())
            .why("the API server or the node ended it before the command did")
            .fix(Remedy::again())
    }

    pub(super) fn too_long(&self, line: &str, limit: u64) -> Problem {
        Problem::new(format!("{line} has not ended after {limit} s")).at(self.place())
    }

    pub(super) fn too_much(&self, line: &str, limit: u64) -> Problem {
        Problem::new(format!("{line} printed more than {limit} MiB")).at(self.place())
    }

    fn place(&self) -> String {
        format!("pod {}, container {}", self.pod, self.container.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{PodRef, Wanted};
    use crate::cluster::failure::Status;

    fn pod() -> PodRef {
        PodRef {
            namespace: "edge".into(),
            name: "gw".into(),
        }
    }

    #[test]
    fn an_answer_about_a_pod_has_words_of_its_own() {
        for (status, expected) in [
            (
                json!({"code": 404, "reason": "NotFound", "details": {"name": "gw", "kind": "pods"}}),
                Some("the pod edge/gw does not exist"),
            ),
            (
                json!({"code": 404, "reason": "NotFound", "details": {"name": "node-1", "kind": "pods"}}),
                Some("the node node-1 of the pod edge/gw does not exist"),
            ),
            (
                json!({"code": 500, "message": "error dialing backend: dial tcp 10.0.0.1:10250: i/o timeout"}),
                Some("the node of the pod edge/gw cannot be reached"),
            ),
            (
                json!({"code": 400, "message": "container app is not valid for pod gw"}),
                Some("the pod edge/gw has no container app"),
            ),
            (
                json!({"code": 400, "message": "container \"app\" in pod \"gw\" is waiting to start: ImagePullBackOff"}),
                Some("the pod edge/gw is not running"),
            ),
            (json!({"code": 403, "message": "pods \"gw\" is forbidden: "}), None),
        ] {
            let parsed: Status = serde_json::from_value(status.clone()).expect("a status");
            let pod = pod();
            let said = Wanted::log(&pod, "app").own_words(&parsed);
            assert_eq!(said.as_ref().map(|problem| problem.what.as_str()), expected, "{status}");
        }
    }

    #[test]
    fn a_command_tells_its_exit_code_and_its_complaint_but_no_key() {
        let status = json!({"status": "Failure", "reason": "NonZeroExitCode", "message": "it failed",
            "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}});
        let pod = pod();
        let problem = |complaint: &str| Wanted::exec(&pod, "app").command_failed("cat key", &status, complaint);
        assert_eq!(problem("").what, "cat key ended with exit code 7");
        assert_eq!(problem(" no\n").why.as_deref(), Some("no"));
        assert_eq!(problem("").why.as_deref(), Some("it failed"));
        let why = problem("-----BEGIN PRIVATE KEY-----").why.unwrap_or_default();
        assert!(why.contains("not shown"), "{why}");
    }
}
