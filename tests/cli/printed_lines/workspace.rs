//! Lines about chains and the workspace, which need neither a gateway nor a cluster.

use istio_tls::remedy::Kind;

use super::stage::{HOST, Stage, WS};

/// The line of a kind that a command prints in a workspace with a chain ends with 0.
#[track_caller]
fn chain_follows(kind: Kind, args: &[&str]) -> Stage {
    let stage = Stage::with_chain();
    stage.follows(kind, args).exits(0);
    stage
}

pub(super) fn gen_certs() -> Stage {
    let stage = Stage::new();
    stage.follows(Kind::GenCerts, &["manifests"]).exits(0);
    stage.ours(&["manifests"]).exits(0);
    stage
}

pub(super) fn gen_certs_force() -> Stage {
    chain_follows(Kind::GenCertsForce, &["gen-certs", HOST])
}

pub(super) fn gen_certs_san() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--bad", "no-san"]).exits(0);
    stage.follows(Kind::GenCertsSan, &["lint"]).exits(0);
    stage.ours(&["lint"]).exits(0);
    stage
}

pub(super) fn rotate() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--bad", "expired"]).exits(0);
    stage.follows(Kind::Rotate, &["lint"]).exits(0);
    stage.ours(&["verify", HOST]).exits(0);
    stage
}

pub(super) fn rotate_clients() -> Stage {
    chain_follows(Kind::RotateClients, &["status", "--expires-within", "370d"])
}

pub(super) fn rotate_due() -> Stage {
    chain_follows(Kind::RotateDue, &["rotate"])
}

pub(super) fn rotate_ca() -> Stage {
    chain_follows(Kind::RotateCa, &["status", "--expires-within", "3655d"])
}

pub(super) fn rotate_finish() -> Stage {
    let stage = Stage::with_chain();
    stage.ours(&["rotate", HOST, "--ca"]).exits(0);
    stage.follows(Kind::RotateFinish, &["status"]).exits(0);
    stage
}

pub(super) fn rotate_abort() -> Stage {
    let stage = Stage::with_chain();
    stage.ours(&["rotate", HOST, "--ca"]).exits(0);
    stage.follows(Kind::RotateAbort, &["status"]).exits(0);
    stage
}

pub(super) fn revoke_renew() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--client", "bob"]).exits(0);
    stage.ours(&["revoke", HOST, "--client", "bob"]).exits(0);
    stage
        .follows(Kind::RevokeRenew, &["status", "--expires-within", "370d"])
        .exits(0);
    stage
}

/// The chain of a folder of generate.sh beside the workspace.
fn chain_elsewhere(stage: &Stage) {
    stage.dir.run(&["-C", ".", "gen-certs", HOST]).exits(0);
}

pub(super) fn adopt() -> Stage {
    let stage = Stage::with_chain();
    chain_elsewhere(&stage);
    let root = |stage: &Stage| stage.dir.read(stage.file("1_root/certs/ca.cert.pem"));
    let before = root(&stage);
    stage.follows(Kind::Adopt, &["adopt", HOST]).exits(0);
    assert_ne!(root(&stage), before);

    // A leaf without its CA: with the CA it is adopted, and as it is where that is asked.
    let stage = Stage::new();
    chain_elsewhere(&stage);
    let text = stage.dir.read(format!("{HOST}/3_application/certs/{HOST}.cert.pem"));
    let end = text.find("-----END CERTIFICATE-----").expect("a certificate");
    let leaf = "leaf.pem";
    stage.dir.write(leaf, &text[..end + 26]);
    let key = format!("{HOST}/3_application/private/{HOST}.key.pem");
    let lines = stage.printed_all(Kind::Adopt, &["adopt", leaf, &key]);
    for line in lines {
        if line.line.contains("CA_FILE") {
            let ca = format!("{HOST}/2_intermediate/certs/ca-chain.cert.pem");
            stage.types(&line.filled("CA_FILE", &ca)).exits(0);
            stage.dir.types(&format!("rm -r '{WS}/{HOST}'")).exits(0);
        } else {
            stage.types(&line).exits(0);
        }
    }
    stage
}

/// A server certificate of a CA that is not here.
pub(super) fn adopt_files() -> Stage {
    let stage = Stage::with_chain();
    stage.dir.run(&["gen-certs", "elsewhere.com", "--san", HOST]).exits(0);
    for (from, to) in [
        ("certs/elsewhere.com.cert.pem", "certs/a.com.cert.pem"),
        ("private/elsewhere.com.key.pem", "private/a.com.key.pem"),
    ] {
        let to = stage.file(&format!("3_application/{to}"));
        stage
            .dir
            .types(&format!("cp elsewhere.com/3_application/{from} '{to}'"))
            .exits(0);
    }
    let line = stage.printed(Kind::AdoptFiles, &["rotate", HOST]);
    stage.types(&line.filled("FILES", "elsewhere.com")).exits(0);
    stage.ours(&["verify", HOST]).exits(0);
    stage
}

pub(super) fn adopt_folder() -> Stage {
    let stage = Stage::with_chain();
    std::fs::remove_file(stage.dir.path(format!("{WS}/istio-tls.yaml"))).expect("removed");
    stage.follows(Kind::AdoptFolder, &["gen-certs", HOST]).exits(0);
    stage
}

pub(super) fn help() -> Stage {
    let stage = Stage::new();
    stage
        .follows(Kind::Help, &["man", "nothing"])
        .exits(0)
        .prints("gen-certs");
    let ran = stage.ours(&["gen-cert", HOST]).exits(2);
    assert!(ran.stdout.is_empty());
    stage
}

pub(super) fn inspect_file() -> Stage {
    let stage = Stage::with_chain();
    let line = stage.printed(Kind::InspectFile, &["revoke", HOST, "--serial", "none"]);
    let file = format!("'{}'", stage.file("4_client/certs/a.com.cert.pem"));
    stage.types(&line.filled("FILE", &file)).exits(0).prints("serial");
    stage
}

/// A root that did not issue what stands beside it.
pub(super) fn verify() -> Stage {
    let stage = Stage::with_chain();
    chain_elsewhere(&stage);
    stage
        .dir
        .types(&format!(
            "cp {HOST}/1_root/certs/ca.cert.pem '{WS}/{HOST}/1_root/certs'"
        ))
        .exits(0);
    stage.follows(Kind::Verify, &["rotate", HOST]).exits(1).prints("root");
    stage
}

/// A client certificate that cannot be read.
pub(super) fn remove_file() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--client", "bob"]).exits(0);
    stage.dir.write(&stage.file("4_client/certs/bob.cert.pem"), "nothing");
    stage.follows(Kind::RemoveFile, &["status"]).exits(0);
    stage.was_typed(Kind::GenCertsClient);
    assert!(stage.dir.path(stage.file("4_client/private/bob.key.pem")).exists());
    stage.ours(&["status"]).exits(0);
    stage
}

pub(super) fn make_folder() -> Stage {
    let stage = Stage::new();
    std::fs::remove_dir(stage.dir.path(WS)).expect("removed");
    stage.follows(Kind::MakeFolder, &["gen-certs", HOST]).exits(0);
    stage.ours(&["gen-certs", HOST]).exits(0);
    stage
}

pub(super) fn lint_explain() -> Stage {
    let stage = Stage::new();
    stage
        .follows(Kind::LintExplain, &["lint", "explain", "ITL9999"])
        .exits(0)
        .prints("ITL0001");
    stage
}
