//! `serve --cluster` uses istio-tls.yaml as it was at the start. When a relevant part of
//! it changes, the log says that the change has no effect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::JoinHandle;

use crate::gateway::follow::watch::{FolderWatch, Stopper, Wake};
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::workspace::config::{FILE_NAME, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;

/// The part of istio-tls.yaml that selects the cluster and what is read of it; none where
/// a flag does.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    context: Option<String>,
    selector: BTreeMap<String, String>,
    pod_namespace: Option<String>,
    namespace: Option<String>,
}

/// Watches the file until dropped.
pub(super) struct WorkspaceWatch {
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Which of the file's values flags override.
#[derive(Debug, Clone)]
pub(super) struct Given {
    /// `--context`; the one that is watched.
    pub(super) context: bool,
    /// The context that is watched.
    pub(super) followed: String,
    /// `--gateway-namespace`.
    pub(super) pod_namespace: bool,
    /// `-n`.
    pub(super) namespace: bool,
}

impl Choice {
    fn of(config: Option<&WorkspaceConfig>, given: &Given) -> Self {
        let gateway = config.map(|config| config.gateway.clone()).unwrap_or_default();
        // An apply to the same cluster records what is already known.
        let context = config.and_then(|config| config.context.clone());
        Self {
            context: Some(context.unwrap_or_else(|| given.followed.clone())).filter(|_| !given.context),
            selector: gateway.selector,
            pod_namespace: Some(gateway.pod_namespace).filter(|_| !given.pod_namespace),
            namespace: Some(gateway.namespace).filter(|_| !given.namespace),
        }
    }

    /// What differs, in the file's terms.
    fn differences(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            (self.context != other.context, "context"),
            (self.selector != other.selector, "gateway.selector"),
            (self.pod_namespace != other.pod_namespace, "gateway.podNamespace"),
            (self.namespace != other.namespace, "gateway.namespace"),
        ];
        fields
            .into_iter()
            .filter(|(differs, _)| *differs)
            .map(|(_, name)| name)
            .collect()
    }
}

impl WorkspaceWatch {
    /// Starts to watch the workspace's file, which contains `config` now.
    ///
    /// # Errors
    /// If the system provides no watch or no thread.
    pub(super) fn start(config: Option<&WorkspaceConfig>, given: Given, here: &Surroundings) -> Result<Self, Failure> {
        let mut watch = FolderWatch::new().map_err(Failure::runtime)?;
        let stopper = watch.stopper();
        let dir = here.dir.clone();
        let known = Choice::of(config, &given);
        let thread = std::thread::Builder::new()
            .name("workspace".to_owned())
            .spawn(move || {
                watch.set(&BTreeSet::from([dir.clone()]));
                follow(&mut watch, &dir, &known, &given);
            })
            .map_err(|error| Failure::runtime(Problem::new("cannot start a thread").why(error.to_string())))?;
        Ok(Self {
            stopper,
            thread: Some(thread),
        })
    }
}

impl Drop for WorkspaceWatch {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            // A panic there was already shown.
            let _ = thread.join();
        }
    }
}

fn follow(watch: &mut FolderWatch, dir: &Path, known: &Choice, given: &Given) {
    let mut told = Vec::new();
    loop {
        // What changed before the watch started is noticed now. An unreadable file is
        // half written, or reported by every other command.
        if let Ok(file) = WorkspaceFile::read(dir) {
            let now = Choice::of(file.as_ref().map(|file| &file.config), given);
            let differences = now.differences(known);
            if differences != told && !differences.is_empty() {
                tracing::warn!(
                    "{FILE_NAME} now has another {}; this serve still uses the one at its start: \
                     restart it to use the new one",
                    differences.join(" and another ")
                );
            }
            told = differences;
        }
        if watch.wait(None) == Wake::Stop {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Choice, Given};
    use crate::workspace::config::WorkspaceConfig;

    fn choice(change: impl FnOnce(&mut WorkspaceConfig), given: &Given) -> Choice {
        let text = json!({"version": 1, "id": "0123456789abcdef"});
        let mut config: WorkspaceConfig = serde_json::from_value(text).expect("a config");
        change(&mut config);
        Choice::of(Some(&config), given)
    }

    #[test]
    fn what_flags_say_is_no_difference_and_what_the_file_says_is() {
        let given = |all| Given {
            context: all,
            followed: "edge".to_owned(),
            pod_namespace: all,
            namespace: all,
        };
        let change = |config: &mut WorkspaceConfig| {
            config.context = Some("other".to_owned());
            config.gateway.pod_namespace = "ingress".to_owned();
            config.gateway.namespace = "routes".to_owned();
        };
        let (by_file, by_flags) = (given(false), given(true));
        let before = choice(|_| {}, &by_file);
        assert_eq!(
            choice(change, &by_file).differences(&before),
            ["context", "gateway.podNamespace", "gateway.namespace"]
        );
        assert!(
            choice(change, &by_flags)
                .differences(&choice(|_| {}, &by_flags))
                .is_empty()
        );
        // An apply to the watched cluster records it.
        let recorded = choice(|config| config.context = Some("edge".to_owned()), &by_file);
        assert!(recorded.differences(&before).is_empty());
        assert_eq!(Choice::of(None, &by_file), before);
    }
}
