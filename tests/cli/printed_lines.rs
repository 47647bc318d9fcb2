//! Lines that are printed to be typed, by their kinds: the situation is made in a
//! workspace that `-C` reaches, the line is taken from the output and run by a shell.
//! It must end as the scene says, never with 2, and leave the CA alone unless the
//! words beside it say so.

use std::path::Path;
use std::process::Command;

use istio_tls::remedy::Kind;

use crate::harness::Dir;

/// The workspace, which needs quotes.
const WORKSPACE: &str = "my ws";
const HOST: &str = "a.com";

/// Who types lines of a kind.
enum Case {
    /// This file.
    Scene(Scene),
    /// A test of another file, which needs more than a folder: a gateway, an API
    /// server, another program. The text stands where it types the line.
    In(&'static str, &'static str),
    /// Nobody yet, for this reason. The number of these may only shrink.
    Untyped(&'static str),
}

/// A situation that prints a line.
struct Scene {
    /// What is run before, in the workspace.
    before: &'static [&'static [&'static str]],
    /// What happens to the workspace's files then.
    change: fn(&Path),
    /// What prints the line.
    prints: &'static [&'static str],
    /// What the line does to the CA.
    ca: Ca,
}

/// What becomes of a CA.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ca {
    /// It stays, or there was none.
    Stays,
    /// It is replaced, and the words say so.
    Ends,
}

impl Scene {
    fn case(before: &'static [&'static [&'static str]], prints: &'static [&'static str]) -> Case {
        Case::Scene(Self {
            before,
            change: |_| (),
            prints,
            ca: Ca::Stays,
        })
    }

    fn changed(before: &'static [&'static [&'static str]], change: fn(&Path), prints: &'static [&'static str]) -> Case {
        Case::Scene(Self {
            before,
            change,
            prints,
            ca: Ca::Stays,
        })
    }

    fn of_ca(before: &'static [&'static [&'static str]], prints: &'static [&'static str]) -> Case {
        Case::Scene(Self {
            before,
            change: |_| (),
            prints,
            ca: Ca::Ends,
        })
    }
}

/// How many kinds nobody types yet. It only shrinks.
const UNTYPED: usize = 72;

fn case(kind: Kind) -> Case {
    const CHAIN: &[&[&str]] = &[&["gen-certs", HOST]];
    const ROTATING: &[&[&str]] = &[&["gen-certs", HOST], &["rotate", HOST, "--ca"]];
    match kind {
        Kind::GenCerts => Scene::case(&[], &["manifests"]),
        Kind::GenCertsForce => Scene::of_ca(CHAIN, &["gen-certs", HOST]),
        Kind::GenCertsSan => Scene::case(&[&["gen-certs", HOST, "--bad", "no-san"]], &["lint"]),
        Kind::Rotate => Scene::case(&[&["gen-certs", HOST, "--bad", "expired"]], &["lint"]),
        Kind::RotateClients => Scene::case(CHAIN, &["status", "--expires-within", "370d"]),
        Kind::RotateCa => Scene::of_ca(CHAIN, &["status", "--expires-within", "3655d"]),
        Kind::RotateFinish | Kind::RotateAbort => Scene::of_ca(ROTATING, &["status"]),
        Kind::RevokeRenew => Scene::case(
            &[
                &["gen-certs", HOST, "--client", "bob"],
                &["revoke", HOST, "--client", "bob"],
            ],
            &["status", "--expires-within", "370d"],
        ),
        Kind::AdoptFolder => Scene::changed(
            CHAIN,
            |workspace| std::fs::remove_file(workspace.join("istio-tls.yaml")).expect("removed"),
            &["gen-certs", HOST],
        ),
        Kind::LintExplain => Scene::case(&[], &["lint", "explain", "ITL9999"]),
        Kind::GenCertsMode => Case::In("probe_advice.rs", "--mode mutual"),
        Kind::MakeFolder => Case::In("serve_advice.rs", "mkdir -p 'my ws'"),
        Kind::RemoveFile | Kind::GenCertsClient => Case::In("status.rs", "dir.types(&line)"),
        Kind::Kill => Case::In("serve_advice.rs", "kill {}"),
        Kind::ManifestsGateway => Case::In("serve_advice.rs", "manifests --only gateway"),
        Kind::Probe => Case::In("serve_advice.rs", "istio-tls -C 'my ws' probe"),
        Kind::TakeOwnership => Case::In("serve_advice.rs", "sudo chown -R"),
        Kind::AdoptSecret | Kind::KubectlPutSecret | Kind::KubectlReplace | Kind::KubectlAnnotate => {
            Case::In("../real/cluster_hints.rs", "sh")
        }
        Kind::Curl | Kind::CurlAsClient => Case::In("../real/printed_lines.rs", "--print"),
        Kind::Serve | Kind::ServeCluster | Kind::ServeFile | Kind::MinikubeTunnel | Kind::KubectlPortForward => {
            Case::Untyped("it runs on")
        }
        Kind::Apply
        | Kind::ApplyContext
        | Kind::ApplyFile
        | Kind::ApplyForceConflicts
        | Kind::ApplyReplace
        | Kind::DeleteLocal
        | Kind::DeleteNoCluster
        | Kind::Doctor
        | Kind::DoctorFix
        | Kind::LintCluster
        | Kind::ProbeCluster
        | Kind::RotateBringUp
        | Kind::RotateForceConflicts
        | Kind::KubectlApply
        | Kind::KubectlApplyFiles
        | Kind::KubectlAuthCanI
        | Kind::KubectlAuthReconcile
        | Kind::KubectlCreateNamespace
        | Kind::KubectlCreateRole
        | Kind::KubectlCreateRoleBinding
        | Kind::KubectlCreateSecret
        | Kind::KubectlDelete
        | Kind::KubectlDescribe
        | Kind::KubectlGet
        | Kind::KubectlLogs
        | Kind::KubectlPatch
        | Kind::KubectlRestart
        | Kind::KubectlRolloutStatus
        | Kind::KubectlScale
        | Kind::KubectlUseContext
        | Kind::KubectlVersion
        | Kind::KubectlWait => Case::Untyped("it asks a cluster"),
        Kind::CopyFile
        | Kind::CurlAdmin
        | Kind::CurlResolve
        | Kind::EchoObject
        | Kind::Envoy
        | Kind::Grep
        | Kind::HelmTemplate
        | Kind::IstioctlInstall
        | Kind::KustomizeBuild
        | Kind::OpensslCrl
        | Kind::OpensslDecrypt
        | Kind::OpensslEncrypt
        | Kind::OpensslPem
        | Kind::OpensslPkcs8
        | Kind::OpensslRequest => Case::Untyped("it starts another program"),
        Kind::Adopt
        | Kind::AdoptFiles
        | Kind::AdoptForHost
        | Kind::GenCertsCsr
        | Kind::GenCertsKeyType
        | Kind::Help
        | Kind::InitDefaults
        | Kind::InspectFile
        | Kind::Lint
        | Kind::LintFix
        | Kind::LintStdin
        | Kind::ManifestsGatewayApi
        | Kind::ManifestsHost
        | Kind::ManifestsSecrets
        | Kind::ManifestsVirtualService
        | Kind::ManifestsVolumes
        | Kind::ProbeAt
        | Kind::RotateDue
        | Kind::Status
        | Kind::Verify => Case::Untyped("its scene is not written"),
    }
}

/// The commands of every `remedy` in some JSON, and the words beside them.
fn commands(json: &serde_json::Value, found: &mut Vec<(String, String, String)>) {
    match json {
        serde_json::Value::Object(fields) => {
            let words = fields.get("fix").and_then(|fix| fix.as_str()).unwrap_or_default();
            for command in fields
                .get("remedy")
                .and_then(|remedy| remedy["commands"].as_array())
                .into_iter()
                .flatten()
            {
                let text = |field: &str| command[field].as_str().expect("a text").to_owned();
                found.push((text("kind"), text("line"), words.to_owned()));
            }
            fields.values().for_each(|value| commands(value, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| commands(value, found)),
        _ => {}
    }
}

/// What a shell says to a line that is typed in the folder above the workspace.
fn typed(dir: &Dir, line: &str) -> (Option<i32>, String) {
    let folder = Path::new(env!("CARGO_BIN_EXE_istio-tls")).parent().expect("a folder");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(dir.path(""))
        .env_clear()
        .env("PATH", path);
    let output = shell.env("HOME", dir.path("")).output().expect("a shell");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn act(kind: Kind, scene: &Scene) {
    let dir = Dir::new();
    dir.folder(WORKSPACE);
    for before in scene.before {
        dir.run(&[&["-C", WORKSPACE], *before].concat()).exits(0);
    }
    (scene.change)(&dir.path(WORKSPACE));
    let ca = || std::fs::read(dir.path(format!("{WORKSPACE}/{HOST}/1_root/certs/ca.cert.pem"))).ok();
    let old = ca();
    let ran = dir.run(&[&["-C", WORKSPACE, "-o", "json"], scene.prints].concat());
    let mut found = Vec::new();
    commands(&ran.json(), &mut found);
    let (_, line, words) = (found.iter())
        .find(|(word, ..)| word == kind.word())
        .unwrap_or_else(|| panic!("{kind:?} is not among {found:#?}\n{}", ran.stdout));
    let (code, said) = typed(&dir, line);
    assert_eq!(code, Some(0), "{line}\n{said}");
    match scene.ca {
        Ca::Stays => assert!(old.is_none() || ca() == old, "{line} ended a CA"),
        Ca::Ends => assert!(
            words.contains("CA") || line.contains("--ca") || line.contains("--finish") || line.contains("--abort"),
            "{words}"
        ),
    }
}

#[test]
fn every_kind_of_line_has_its_case_and_does_what_it_says() {
    let mut untyped = Vec::new();
    for kind in Kind::ALL.iter().copied() {
        match case(kind) {
            Case::Scene(scene) => act(kind, &scene),
            Case::In(file, typed) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli").join(file);
                let text = std::fs::read_to_string(&path).expect("a test");
                assert!(text.contains(typed), "{kind:?}: {} types no {typed:?}", path.display());
            }
            Case::Untyped(why) => untyped.push((kind, why)),
        }
    }
    assert!(
        untyped.len() <= UNTYPED,
        "{} kinds are not typed: {untyped:#?}",
        untyped.len()
    );
}
