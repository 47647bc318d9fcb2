//! Lines that are printed to be typed, by their kinds: the situation is made in a
//! workspace that `-C` reaches, the line is taken from the output and run by a shell.
//! It must end as the scene says, never with 2, and leave the CA alone unless the
//! words beside it say so.

use std::path::Path;

use istio_tls::remedy::{Kind, Program};

use stage::Stage;

mod gateways;
mod objects;
mod stage;
mod workspace;

/// Who types lines of a kind.
enum Case {
    /// This function makes the situation, and its stage types the line.
    Act(fn() -> Stage),
    /// A test of another file, which needs more than a folder: a gateway, an API
    /// server, another program. The text stands where it types the line.
    In(&'static str, &'static str),
    /// The scene of this kind in a file of tests/real/printed_lines, where other programs
    /// and a real API server are.
    Real(&'static str),
}

fn case(kind: Kind) -> Case {
    match kind {
        Kind::GenCerts => Case::Act(workspace::gen_certs),
        Kind::GenCertsForce => Case::Act(workspace::gen_certs_force),
        Kind::GenCertsSan => Case::Act(workspace::gen_certs_san),
        Kind::Rotate => Case::Act(workspace::rotate),
        Kind::RotateClients => Case::Act(workspace::rotate_clients),
        Kind::RotateDue => Case::Act(workspace::rotate_due),
        Kind::RotateCa => Case::Act(workspace::rotate_ca),
        Kind::RotateFinish => Case::Act(workspace::rotate_finish),
        Kind::RotateAbort => Case::Act(workspace::rotate_abort),
        Kind::RevokeRenew => Case::Act(workspace::revoke_renew),
        Kind::Adopt => Case::Act(workspace::adopt),
        Kind::AdoptFiles => Case::Act(workspace::adopt_files),
        Kind::AdoptFolder => Case::Act(workspace::adopt_folder),
        Kind::Help => Case::Act(workspace::help),
        Kind::LintExplain => Case::Act(workspace::lint_explain),
        Kind::InspectFile => Case::Act(workspace::inspect_file),
        Kind::Verify => Case::Act(workspace::verify),
        Kind::RemoveFile | Kind::GenCertsClient => Case::Act(workspace::remove_file),
        Kind::MakeFolder => Case::Act(workspace::make_folder),
        Kind::Serve => Case::Act(gateways::serve),
        Kind::ServeFile | Kind::Probe => Case::Act(gateways::serve_file),
        Kind::Kill => Case::Act(gateways::kill),
        Kind::GenCertsMode => Case::Act(gateways::gen_certs_mode),
        Kind::GenCertsKeyType => Case::Act(gateways::gen_certs_key_type),
        Kind::ManifestsVirtualService => Case::Act(gateways::manifests_virtual_service),
        Kind::Lint => Case::Act(gateways::lint),
        Kind::LintFix => Case::Act(objects::lint_fix),
        Kind::KustomizeBuild | Kind::HelmTemplate | Kind::LintStdin => Case::Act(objects::made_of_a_folder),
        Kind::ManifestsGateway => Case::Act(objects::manifests_gateway),
        Kind::ManifestsGatewayApi => Case::Act(objects::manifests_gateway_api),
        Kind::ManifestsHost => Case::Act(objects::manifests_host),
        Kind::ManifestsSecrets => Case::Act(objects::manifests_secrets),
        Kind::ManifestsVolumes => Case::Act(objects::manifests_volumes),
        Kind::CopyFile
        | Kind::Curl
        | Kind::CurlAsClient
        | Kind::Envoy
        | Kind::GenCertsCsr
        | Kind::OpensslCrl
        | Kind::OpensslDecrypt
        | Kind::OpensslEncrypt
        | Kind::OpensslPem
        | Kind::OpensslRequest => Case::Real("programs.rs"),
        Kind::Apply
        | Kind::ApplyContext
        | Kind::ApplyFile
        | Kind::ApplyForceConflicts
        | Kind::ApplyReplace
        | Kind::AdoptForHost
        | Kind::DeleteLocal
        | Kind::DeleteNoCluster
        | Kind::Doctor
        | Kind::KubectlApply
        | Kind::KubectlApplyFiles
        | Kind::KubectlAuthCanI
        | Kind::KubectlCreateNamespace
        | Kind::KubectlCreateSecret
        | Kind::KubectlDelete
        | Kind::KubectlUseContext
        | Kind::KubectlVersion
        | Kind::KubectlWait
        | Kind::ProbeCluster
        | Kind::RotateBringUp
        | Kind::RotateForceConflicts
        | Kind::ServeCluster
        | Kind::Status => Case::Real("cluster.rs"),
        Kind::CurlAdmin
        | Kind::DoctorFix
        | Kind::Grep
        | Kind::IstioctlInstall
        | Kind::KubectlAuthReconcile
        | Kind::KubectlCreateRole
        | Kind::KubectlCreateRoleBinding
        | Kind::KubectlDescribe
        | Kind::KubectlGet
        | Kind::KubectlLogs
        | Kind::KubectlPatch
        | Kind::KubectlPortForward
        | Kind::KubectlRestart
        | Kind::KubectlRolloutStatus
        | Kind::KubectlScale
        | Kind::LintCluster
        | Kind::MinikubeTunnel
        | Kind::ProbeAt => Case::Real("doctor.rs"),
        Kind::TakeOwnership => Case::In("serve_advice.rs", "sudo chown -R"),
        Kind::EchoObject => Case::In("../real/doctor_gateway_api.rs", "type_line(&plane, "),
        Kind::AdoptSecret | Kind::KubectlPutSecret | Kind::KubectlReplace | Kind::KubectlAnnotate => {
            Case::In("../real/cluster_hints.rs", "typing.types(")
        }
    }
}

/// Acts every scene of a program's kinds, and fails with the kinds whose scene did.
fn act(program: Program) {
    let kinds = Kind::ALL.iter().copied().filter(|kind| kind.program() == program);
    let failed: Vec<Kind> = kinds
        .filter(|kind| match case(*kind) {
            Case::Act(scene) => std::panic::catch_unwind(scene).map(|stage| stage.has_typed(*kind)).ok() != Some(true),
            Case::In(file, needle) => !stands_in(file, needle),
            Case::Real(file) => {
                // `&[Kind::One, Kind::Other]` beside its scene.
                let file = format!("../real/printed_lines/{file}");
                !["[", "    ", ", "].iter().any(|before| {
                    [",", "]"]
                        .iter()
                        .any(|after| stands_in(&file, &format!("{before}Kind::{kind:?}{after}")))
                })
            }
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{failed:?}: see above, or the scene types another kind"
    );
}

/// Whether a test's file holds this text.
fn stands_in(file: &str, needle: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(file);
    std::fs::read_to_string(&path).expect("a test").contains(needle)
}

#[test]
fn lines_of_this_program_do_what_they_say() {
    act(Program::IstioTls);
}

#[test]
fn lines_of_kubectl_do_what_they_say() {
    act(Program::Kubectl);
}

#[test]
fn lines_of_other_programs_do_what_they_say() {
    act(Program::Other);
}
