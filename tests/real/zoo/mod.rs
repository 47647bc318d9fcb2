//! A zoo of broken endpoints: each is one row with the verdict that `probe`
//! must give. The endpoints are openssl's s_server, nginx, and a few lines of
//! TCP; the certificates are made by zoo/certificates.sh.

mod endpoints;
mod rows;

use std::path::Path;
use std::process::Command;

use self::endpoints::Running;
use self::rows::{Row, rows};
use crate::harness::{Dir, Ran};

const HOST: &str = "zoo.example.com";

#[test]
fn every_broken_endpoint_has_its_verdict() {
    let zoo = Dir::new();
    make_certificates(&zoo);
    let mut failures = Vec::new();
    for row in rows() {
        if let Err(why) = check(&zoo, &row) {
            failures.push(format!("{}: {why}", row.name));
        }
    }
    assert!(
        failures.is_empty(),
        "{} rows failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn a_name_without_an_address_is_named() {
    let zoo = Dir::new();
    let ran = zoo
        .run(&["probe", "nowhere.invalid:443", "-o", "json", "--timeout", "5s"])
        .exits(1);
    let verdict = &ran.json()["results"][0]["verdict"];
    assert_eq!(verdict["code"], "name-not-resolved");
    assert_eq!(verdict["fault"], "network");
}

fn make_certificates(zoo: &Dir) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/zoo/certificates.sh");
    let output = Command::new("sh")
        .arg(script)
        .arg(zoo.path(""))
        .output()
        .expect("sh starts");
    assert!(
        output.status.success(),
        "openssl could not make the zoo's certificates (is openssl installed?)\n{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        std::fs::read_to_string(zoo.path("openssl.log")).unwrap_or_default()
    );
    zoo.write("password", "secret\n");
}

fn check(zoo: &Dir, row: &Row) -> Result<(), String> {
    let running = Running::start(zoo, &row.endpoint);
    let target = running.address.to_string();
    let mut args = vec!["probe", HOST, "--target", &target, "--cacert", "root.pem", "-o", "json"];
    args.extend(row.flags);
    let ran = zoo.run(&args);
    let json: serde_json::Value =
        serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}\n{}\n{}", ran.stdout, ran.stderr))?;
    let shown = || format!("{:#}", json["results"][0]["verdict"]);
    let code = i32::from(row.code != "ok");
    if ran.code != Some(code) {
        return Err(format!("ended with {:?}, not {code}: {}", ran.code, shown()));
    }
    let results = json["results"].as_array().ok_or("no results")?;
    let result = results
        .iter()
        .find(|result| result["ok"] == (row.code == "ok"))
        .ok_or_else(shown)?;
    let verdict = &result["verdict"];
    if verdict["code"] != row.code {
        return Err(format!("code is {}, not {}: {verdict:#}", verdict["code"], row.code));
    }
    let summary = verdict["summary"].as_str().unwrap_or_default();
    for value in row.values {
        if !summary.contains(value) {
            return Err(format!("the summary does not name {value:?}: {summary}"));
        }
    }
    if row.code != "ok" {
        if verdict["fault"] != row.fault {
            return Err(format!("fault is {}, not {}", verdict["fault"], row.fault));
        }
        if verdict["fix"].as_str().is_none_or(str::is_empty) {
            return Err("there is no fix".to_owned());
        }
        for field in ["expected", "found"] {
            if verdict[field].as_str().is_none_or(str::is_empty) {
                return Err(format!("{field} is not named"));
            }
        }
        if !documented(row.code) {
            return Err(format!("docs/probe-verdicts.md does not list {}", row.code));
        }
    }
    if row.inspect {
        inspect(zoo, &target)?;
    }
    Ok(())
}

fn documented(code: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/probe-verdicts.md");
    std::fs::read_to_string(path).is_ok_and(|text| text.contains(&format!("| `{code}` |")))
}

/// `inspect` explains every certificate it can get, however broken, and ends with 0.
fn inspect(zoo: &Dir, target: &str) -> Result<(), String> {
    let ran: Ran = zoo.run(&["inspect", target, "-o", "json"]);
    if ran.code != Some(0) {
        return Err(format!(
            "inspect ended with {:?}\n{}\n{}",
            ran.code, ran.stdout, ran.stderr
        ));
    }
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).map_err(|error| error.to_string())?;
    if json.to_string().contains("CN=") {
        Ok(())
    } else {
        Err(format!("inspect shows no certificate: {json:#}"))
    }
}
