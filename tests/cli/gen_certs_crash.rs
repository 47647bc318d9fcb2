//! `gen-certs --force` killed at random moments, on a full disk, and in a
//! folder that cannot be written: the whole old chain or the whole new one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use istio_tls::certs::verify::{Purpose, VerifyInput, verify};
use istio_tls::certs::{CertificateAuthority, key, pem};
use istio_tls::names::Host;

use crate::harness::Dir;

const HOST: &str = "httpbin.example.com";

/// Checks that every file of the chain belongs to the same chain, and gives
/// the server certificate.
fn whole(dir: &Dir, clients: &[&str]) -> String {
    let read = |name: &str| dir.read(format!("{HOST}/{name}"));
    let certificate = |text: &str| pem::certificates(text.as_bytes(), "pem").expect("certificates");
    let private = |text: &str| key::read(text.as_bytes(), "key", None).expect("a key");
    let (root, intermediate) = (
        read("1_root/certs/ca.cert.pem"),
        read("2_intermediate/certs/intermediate.cert.pem"),
    );
    assert_eq!(
        read("2_intermediate/certs/ca-chain.cert.pem"),
        format!("{intermediate}{root}")
    );
    for (cert, key) in [
        (&root, "1_root/private/ca.key.pem"),
        (&intermediate, "2_intermediate/private/intermediate.key.pem"),
    ] {
        CertificateAuthority::new(certificate(cert).remove(0), &private(&read(key))).expect("key and certificate fit");
    }
    let roots = certificate(&root);
    let host = Host::parse(HOST).expect("a host");
    let mut leaves = vec![("3_application", HOST, Purpose::Server)];
    leaves.extend(clients.iter().map(|name| ("4_client", *name, Purpose::Client)));
    for (folder, name, purpose) in leaves {
        let chain = certificate(&read(&format!("{folder}/certs/{name}.cert.pem")));
        let key = private(&read(&format!("{folder}/private/{name}.key.pem")));
        assert!(key.fits(&chain[0]), "{folder}/{name}");
        let verdict = verify(&VerifyInput {
            chain: &chain,
            intermediates: &[],
            roots: &roots,
            crls: &[],
            purpose,
            host: (purpose == Purpose::Server).then_some(&host),
            now: std::time::SystemTime::now().into(),
        });
        assert!(verdict.faults.is_empty(), "{folder}/{name} does not verify");
    }
    read(&format!("3_application/certs/{HOST}.cert.pem"))
}

#[test]
fn killed_at_any_moment_it_leaves_one_whole_chain() {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST, "--client", "alice"]).exits(0);
    let mut now = whole(&dir, &[HOST, "alice"]);
    let started = Instant::now();
    dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    let usual = started.elapsed();
    let (mut old, mut new) = (0, 0);
    let rounds = 20;
    for round in 0..rounds {
        let before = whole(&dir, &[HOST, "alice"]);
        let mut child = dir
            .command(&["gen-certs", HOST, "--force"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        // The moment of the kill is what is tested: spread over the usual time.
        std::thread::sleep(usual.mul_f64(f64::from(round) / f64::from(rounds - 4)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        now = whole(&dir, &[HOST, "alice"]);
        if now == before { old += 1 } else { new += 1 }
    }
    println!("{old} times the old chain, {new} times the new one");
    // The next start tidies up and works.
    dir.run(&["gen-certs", HOST, "--force"]).exits(0);
    assert_ne!(whole(&dir, &[HOST, "alice"]), now);
    let left: Vec<PathBuf> = fs::read_dir(dir.path(".istio-tls"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("new-"))
        })
        .collect();
    assert!(left.is_empty(), "{left:?} stayed");
}

#[test]
fn two_at_once_both_finish() {
    let dir = Dir::new();
    let start = |host: &str| {
        dir.command(&["gen-certs", host])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts")
    };
    let children: Vec<_> = (0..6).map(|number| start(&format!("h{number}.example.com"))).collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    let yaml = dir.read("istio-tls.yaml");
    assert_eq!(yaml.matches("- host:").count(), 6, "{yaml}");
}

/// A mount that is undone when the test ends, whichever way.
struct Mount(PathBuf);

impl Mount {
    /// None, with the reason printed, where the test may not mount.
    fn new(arguments: &[&str], folder: &Path) -> Option<Self> {
        let done = Command::new("mount").args(arguments).arg(folder).output();
        match done {
            Ok(done) if done.status.success() => Some(Self(folder.to_owned())),
            Ok(done) => {
                println!("skipped: mount says {}", String::from_utf8_lossy(&done.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: mount does not start: {error}");
                None
            }
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let started = Instant::now();
        while !Command::new("umount")
            .arg(&self.0)
            .output()
            .is_ok_and(|done| done.status.success())
        {
            if started.elapsed() > Duration::from_secs(5) {
                println!("{} stays mounted", self.0.display());
                return;
            }
            std::thread::yield_now();
        }
    }
}

fn tree(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
                found.insert(path, None);
            } else if !path.ends_with("filler") {
                found.insert(path.clone(), Some(fs::read(&path).expect("read")));
            }
        }
    }
    found
}

#[test]
fn on_a_full_disk_nothing_changes() {
    let dir = Dir::new();
    let disk = dir.path("disk");
    fs::create_dir(&disk).expect("made");
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=256k", "tmpfs"], &disk) else {
        return;
    };
    let (mut failed, mut done) = (0, 0);
    for existing in [false, true] {
        for kilobytes in (0..96).step_by(8) {
            for name in [HOST, ".istio-tls"] {
                let _ = fs::remove_dir_all(disk.join(name));
            }
            let _ = fs::remove_file(disk.join("istio-tls.yaml"));
            let _ = fs::remove_file(disk.join("filler"));
            let mut arguments = vec!["-C", "disk", "gen-certs", HOST];
            if existing {
                dir.run(&arguments).exits(0);
                arguments.push("--force");
            }
            let before = tree(&disk);
            let free = fs::File::create(disk.join("filler")).map(|mut filler| {
                use std::io::Write as _;
                let block = [0; 1024];
                while filler.write_all(&block).is_ok() {}
                let full = filler.metadata().expect("its size").len();
                filler
                    .set_len(full.saturating_sub(kilobytes * 1024))
                    .expect("shortened");
            });
            free.expect("a filler");
            let ran = dir.run(&arguments);
            if ran.code == Some(0) {
                done += 1;
            } else {
                failed += 1;
                let ran = ran.exits(3).says("no space left");
                assert_eq!(tree(&disk), before, "{kilobytes} KiB free\n{}", ran.stderr);
            }
        }
    }
    assert!(failed > 4 && done > 4, "{failed} failed, {done} done");
}

#[test]
fn in_a_folder_that_is_read_only_nothing_changes() {
    let dir = Dir::new();
    let folder = dir.path("folder");
    fs::create_dir(&folder).expect("made");
    dir.run(&["-C", "folder", "gen-certs", HOST]).exits(0);
    let source = folder.display().to_string();
    let Some(_mount) = Mount::new(&["--bind", "-o", "ro", &source], &folder) else {
        return;
    };
    if fs::write(folder.join("probe"), "").is_ok() {
        fs::remove_file(folder.join("probe")).expect("removed");
        println!("skipped: this system's bind mounts are writable");
        return;
    }
    let before = tree(&folder);
    for arguments in [
        &["gen-certs", HOST, "--force"][..],
        &["gen-certs", "other.example.com"],
        &["gen-certs", HOST, "--client", "alice"],
    ] {
        let all: Vec<&str> = ["-C", "folder"].iter().chain(arguments).copied().collect();
        dir.run(&all).exits(3).says("read-only");
        assert_eq!(tree(&folder), before);
    }
}
