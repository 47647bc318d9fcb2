//! Bad input to the commands that write the workspace: an error with its
//! place, and nothing changed on disk.

use std::fmt::Write as _;
use std::fs;

use crate::harness::Dir;

fn names(dir: &Dir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir.path(""))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn hosts_that_are_none() {
    let dir = Dir::new();
    let long = format!("{}.com", "a".repeat(296));
    for host in [
        "../evil",
        "",
        "/etc/passwd",
        "a..b",
        "https://a.com",
        "a.com:443",
        "*",
        "a b",
        &long,
        "..",
        "-x.",
    ] {
        let ran = dir.run(&["gen-certs", "--", host]).exits(2);
        assert!(ran.stderr.len() < 1000, "{}", ran.stderr);
    }
    dir.run(&["gen-certs"]).exits(2);
    dir.run(&["gen-certs", "a.com", "a.com"]).exits(2).says("twice");
    for client in ["../evil", "", "a/b", "..", &long] {
        dir.run(&["gen-certs", "a.com", "--client", client]).exits(2);
    }
    for arguments in [
        ["--san", "not a name"],
        ["--subject", "XX"],
        ["--not-after", "tomorrow"],
        ["--days", "0"],
        ["--key-type", "dsa"],
        ["--mode", "sure"],
        ["--bad", "luck"],
        ["--name-constraints", "a b"],
        ["--csr", "absent"],
        ["--password-file", "absent"],
    ] {
        dir.run(&["gen-certs", "a.com", arguments[0], arguments[1]]).exits(2);
    }
    assert_eq!(names(&dir), Vec::<String>::new());
}

#[test]
fn hosts_files_that_are_none() {
    let dir = Dir::new();
    fs::create_dir(dir.path("folder")).expect("made");
    std::os::unix::fs::symlink("nowhere", dir.path("dangling")).expect("linked");
    let large = fs::File::create(dir.path("large")).expect("made");
    large.set_len(100 << 20).expect("grown");
    dir.write("empty", "");
    dir.write("twice", "a.com\nb.com\na.com\n");
    dir.write("evil", "a.com\n../evil\n");
    dir.write("binary", [0xff, 0xfe, 0x00]);
    let before = names(&dir);
    for (file, said) in [
        ("folder", "folder"),
        ("dangling", "does not exist"),
        ("large", "too large"),
        ("absent", "no such file"),
        ("empty", "lists no host"),
        ("twice", "twice:3"),
        ("evil", "evil:2"),
        ("binary", "UTF-8"),
    ] {
        dir.run(&["gen-certs", "--hosts-file", file]).exits(2).says(said);
        assert_eq!(names(&dir), before, "{file}");
    }
}

#[test]
fn workspace_files_that_are_none() {
    let id = "id: 0123456789abcdef\n";
    let bomb = {
        let mut text = format!("version: 1\n{id}a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"]
            .iter()
            .zip(["a", "b", "c", "d", "e", "f", "g", "h"])
        {
            let _ = writeln!(text, "{name}: &{name} [{}]", vec![format!("*{before}"); 9].join(","));
        }
        text + "hosts: *i\n"
    };
    for (text, said) in [
        (String::new(), "istio-tls.yaml"),
        ("version: 9\n".into(), "version 9"),
        (format!("version: 1\nversion: 1\n{id}"), "istio-tls.yaml:2"),
        (format!("version: one\n{id}"), "istio-tls.yaml:1"),
        (format!("version: 1\n{id}hosts: {{}}\n"), "istio-tls.yaml:3"),
        (
            format!("version: 1\n{id}hosts:\n  - host: ../evil\n    credentialName: a\n"),
            "istio-tls.yaml:4",
        ),
        (format!("version: 1\n{id}\thosts: 1\n"), "istio-tls.yaml"),
        (bomb, "istio-tls.yaml"),
    ] {
        let dir = Dir::new();
        dir.write("istio-tls.yaml", &text);
        let ran = dir.run(&["gen-certs", "a.com", "-o", "json"]).exits(2).says(said);
        assert!(ran.json()["error"]["what"].is_string());
        assert_eq!(dir.read("istio-tls.yaml"), text);
        assert_eq!(names(&dir), ["istio-tls.yaml"]);
    }
}

#[test]
fn authorities_that_cannot_sign() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.com"]).exits(0);
    let cert = dir.read("a.com/2_intermediate/certs/intermediate.cert.pem");
    let key = dir.read("a.com/2_intermediate/private/intermediate.key.pem");
    let other = dir.read("a.com/3_application/private/a.com.key.pem");
    for (cert, key) in [
        (&cert[..cert.len() / 2], key.as_str()),
        (&cert, &key[..key.len() / 2]),
        ("", &key),
        (&cert, ""),
        (&cert, &other),
        (&cert.replace('\n', ""), &key),
    ] {
        dir.write("bad/2_intermediate/certs/intermediate.cert.pem", cert);
        dir.write("bad/2_intermediate/private/intermediate.key.pem", key);
        dir.write(
            "bad/1_root/certs/ca.cert.pem",
            dir.read("a.com/1_root/certs/ca.cert.pem"),
        );
        dir.run(&["gen-certs", "b.com", "--ca", "bad"]).exits(2);
        assert!(!dir.path("b.com").exists());
    }
    // CRLF is what editors on Windows leave; it reads.
    dir.write(
        "crlf/2_intermediate/certs/intermediate.cert.pem",
        cert.replace('\n', "\r\n"),
    );
    dir.write(
        "crlf/2_intermediate/private/intermediate.key.pem",
        key.replace('\n', "\r\n"),
    );
    dir.write(
        "crlf/1_root/certs/ca.cert.pem",
        dir.read("a.com/1_root/certs/ca.cert.pem"),
    );
    dir.run(&["gen-certs", "b.com", "--ca", "crlf"]).exits(0);

    fs::create_dir_all(dir.path("half/certs")).expect("made");
    fs::copy(
        dir.path("a.com/1_root/certs/ca.cert.pem"),
        dir.path("half/certs/ca.cert.pem"),
    )
    .expect("copied");
    dir.run(&["gen-certs", "c.com", "--root", "half"])
        .exits(2)
        .says("ca.key.pem");
    assert!(!dir.path("c.com").exists());
}

#[test]
fn folders_that_cannot_be_written() {
    let dir = Dir::new();
    dir.write("file", "x");
    dir.run(&["-C", "file", "gen-certs", "a.com"])
        .exits(2)
        .says("it is not a folder");
    std::os::unix::fs::symlink("/nonexistent/elsewhere", dir.path("a.com")).expect("linked");
    dir.run(&["gen-certs", "a.com"]).exits(3).says("symbolic link");
    assert_eq!(names(&dir), ["a.com", "file"]);
    // proc refuses new folders to everyone, root included.
    dir.run(&["-C", "/proc/self", "gen-certs", "b.com"])
        .exits(3)
        .says("cannot be written");
}
