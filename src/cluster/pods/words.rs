//! What goes wrong on the way to a pod, in the user's words. Pure.

use serde_json::Value;

use super::PodRef;
use crate::cluster::failure::{ApiError, Asked, Status, withheld};
use crate::cluster::kubeconfig::Access;
use crate::problem::Problem;

/// What was wanted of a pod.
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
        let own = error.status().and_then(|status| self.own_words(status, access));
        own.unwrap_or_else(|| error.problem(&asked, access))
    }

    /// What only pods have.
    fn own_words(&self, status: &Status, access: &Access) -> Option<Problem> {
        let PodRef { namespace, name } = self.pod;
        let pods = format!("kubectl -n {namespace} get pods shows which run");
        let at = format!("context {}", access.context);
        let said = |word: &str| status.message.contains(word);
        let problem = if status.code == 404 && (status.details.kind == "pods" || said("does not exist")) {
            Problem::new(format!("the pod {} is not there", self.pod))
                .why("it was deleted or replaced, or never was")
                .fix(pods)
        } else if status.is_node_unreachable() {
            Problem::new(format!("the node of the pod {} cannot be reached", self.pod))
                .why(withheld(&status.message))
                .fix("kubectl get nodes shows whether it is Ready; the API server must reach its kubelet, port 10250")
        } else if said("is not valid for pod") || said("does not run in pod") {
            Problem::new(format!(
                "the pod {} has no container {}",
                self.pod,
                self.container.unwrap_or_default()
            ))
            .why(withheld(&status.message))
            .fix(format!(
                "kubectl -n {namespace} get pod {name} -o jsonpath='{{.spec.containers[*].name}}' lists them"
            ))
        } else if said("does not have a host assigned")
            || said("is waiting to start")
            || said("container not found")
            || said("completed pod")
        {
            Problem::new(format!("the pod {} does not run", self.pod))
                .why(withheld(&status.message))
                .fix(format!(
                    "kubectl -n {namespace} describe pod {name} tells what it waits for"
                ))
        } else {
            return None;
        };
        Some(problem.at(at))
    }

    /// A command that could not be run, or failed: the API server's status of it.
    pub(super) fn command_failed(&self, line: &str, status: &Value, complaint: &str) -> Problem {
        let message = status["message"].as_str().unwrap_or_default();
        let typed = serde_json::from_value::<Status>(status.clone()).unwrap_or_default();
        if typed.is_node_unreachable() {
            return Problem::new(format!("the node of the pod {} cannot be reached", self.pod))
                .why(withheld(message))
                .fix("kubectl get nodes shows whether it is Ready; the API server must reach its kubelet, port 10250");
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

    /// A port of the pod that cannot be reached: the node's words.
    pub(super) fn port_failed(&self, port: u16, message: &str) -> Problem {
        let PodRef { namespace, name } = self.pod;
        Problem::new(format!("nothing answers on port {port} of the pod {}", self.pod))
            .at(format!("a port-forward to the pod {}", self.pod))
            .why(withheld(message))
            .fix(format!(
                "kubectl -n {namespace} logs {name} tells what listens there: a gateway does when a Gateway object names the port"
            ))
    }

    /// A stream that ended before the command had.
    pub(super) fn broke_off(&self, line: &str) -> Problem {
        Problem::new(format!("the stream of {line} broke off"))
            .at(self.place())
            .why("the API server or the node ended it before the command did")
            .fix("run the same command again")
    }

    pub(super) fn too_much(&self, line: &str, limit: u64) -> Problem {
        Problem::new(format!("{line} printed more than {limit} MiB")).at(self.place())
    }

    fn place(&self) -> String {
        format!("pod {}, container {}", self.pod, self.container.unwrap_or_default())
    }
}
