//! What to do about a Secret with a certificate other than the files': one answer, for
//! `rotate` and for every finding of `status`. Pure.

use crate::names::Host;
use crate::remedy::{Kind, Line, Remedy, ours};

/// Why a Secret differs, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// Why it differs.
    pub why: String,
    /// What to do.
    pub fix: Remedy,
}

/// For a Secret (`NAMESPACE/NAME`) that others manage or have renewed, and that therefore
/// takes precedence; none if the files do. `newer`: its leaf was issued later than the
/// file's. `controller`: the program that manages it.
pub fn of_others(title: &str, host: &Host, controller: Option<&str>, newer: bool) -> Option<Advice> {
    let adopt = Remedy::from(ours::adopt_secret(title, host));
    match controller {
        Some(controller) => Some(Advice {
            why: if newer {
                format!("the Secret's certificate is newer: {controller} has renewed it")
            } else {
                format!("{controller} manages the Secret, and would undo changes to it")
            },
            fix: adopt
                .and(
                    " copies its certificate to the files, after each renewal; or stop managing \
                    the Secret there, then ",
                )
                .and(
                    Line::new(Kind::RotateForceConflicts, ["rotate"])
                        .arg(host)
                        .arg("--force-conflicts")
                        .of_cluster(),
                )
                .and(" issues a new leaf for both"),
        }),
        None if newer => Some(Advice {
            why: "the Secret's certificate is newer: it was renewed from elsewhere".to_owned(),
            fix: adopt
                .and(" copies it to the files")
                .or(ours::rotate(host))
                .and(" issues a new leaf for both"),
        }),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::of_others;
    use crate::names::Host;
    use crate::remedy::Kind;

    #[test]
    fn what_others_renew_is_taken_in_and_never_set_back() {
        let host = Host::parse("a.com").expect("a host");
        for (controller, newer, expected) in [
            (None, false, None),
            (None, true, Some("renewed from elsewhere")),
            (Some("cert-manager"), true, Some("cert-manager has renewed it")),
            (Some("cert-manager"), false, Some("cert-manager manages the Secret")),
        ] {
            let advice = of_others("ns/a", &host, controller, newer);
            let why = advice.as_ref().map(|advice| advice.why.as_str());
            assert_eq!(why.is_some(), expected.is_some(), "{controller:?} {newer}");
            assert!(
                why.unwrap_or_default().contains(expected.unwrap_or_default()),
                "{why:?}"
            );
            let fix = advice.map(|advice| advice.fix).unwrap_or_default();
            assert!(fix.is_empty() || fix.starts_with("istio-tls adopt secret/ns/a --host a.com --force"));
            assert!(!fix.has(Kind::RotateBringUp), "{fix}");
        }
    }
}
