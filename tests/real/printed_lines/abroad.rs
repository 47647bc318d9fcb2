//! A workspace whose cluster is not the one that kubectl asks by itself.

use crate::cluster_workspace::ClusterWorkspace;
use crate::control_plane::ControlPlane;
use crate::installed_tools::tools_folder;

use super::stage::Stage;

/// The kubeconfig, whose current context leads to nobody.
pub(super) const KUBECONFIG: &str = "my kubeconfig";
/// What leads to the cluster.
pub(super) const THERE: [&str; 4] = ["--kubeconfig", KUBECONFIG, "--context", "admin"];

/// A command with what leads to the cluster.
pub(super) fn there<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [args, &THERE].concat()
}

/// A stage in another folder than the workspace, with kubectl.
pub(super) fn abroad(plane: &ControlPlane, workspace: &ClusterWorkspace) -> Stage {
    let folder = workspace.dir.path("istio-tls.yaml");
    let stage = Stage::before(folder.parent().and_then(|folder| folder.to_str()).expect("a folder"));
    kubeconfig(plane, &stage, "current-context: expired");
    stage.find_programs_in(tools_folder().join("bin"));
    stage
}

/// Writes the kubeconfig with another line for its current context.
pub(super) fn kubeconfig(plane: &ControlPlane, stage: &Stage, current: &str) {
    let text = std::fs::read_to_string(plane.kubeconfig()).expect("a kubeconfig");
    let lines = text.lines().map(|line| {
        if line.starts_with("current-context:") {
            current
        } else {
            line
        }
    });
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    stage.dir.write(KUBECONFIG, lines.join("\n"));
}
