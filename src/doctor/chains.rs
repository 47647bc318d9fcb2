//! Whether the workspace has a chain for each of its hosts. Without one, its commands cannot
//! restore that host, and `apply` refuses all hosts.

use super::control_plane::object;
use super::facts::{Chainless, Facts};
use crate::lint::codes::HOST_WITHOUT_CHAIN;
use crate::lint::{Finding, Findings};
use crate::remedy::{Kind, Remedy, ours};

pub(super) fn check(facts: &Facts, found: &mut Findings) {
    for one in facts.chainless.iter().filter(|one| one.matters) {
        found.push(chainless(one));
    }
}

fn chainless(one: &Chainless) -> Finding {
    let host = one.host.as_str();
    let finding = Finding::new(&HOST_WITHOUT_CHAIN, object(""), one.problem.what.clone());
    let finding = match &one.problem.why {
        Some(why) => {
            let whole = format!("{why}\n{}", finding.why);
            finding.why(whole)
        }
        None => finding,
    };
    let own = one.problem.fix.clone();
    let own = own.unwrap_or_else(|| Remedy::from("restore its folder, or ").and(ours::gen_certs(host)));
    finding.fix(match &one.secret {
        Some(secret) => Remedy::from(if one.has_folder {
            ours::adopt_secret(secret, host)
        } else {
            ours::adopt_new_secret(secret, host)
        })
        .and(", which copies certificate and key from the cluster")
        .or(own),
        None => own,
    })
}

/// A fix, with a note about `apply` if that would refuse because of a missing chain.
pub(super) fn with_refusal(facts: &Facts, fix: &Remedy) -> Option<Remedy> {
    let one = facts.chainless.first()?;
    let applies = [Kind::Apply, Kind::ApplyForceConflicts, Kind::ApplyReplace];
    applies.iter().any(|kind| fix.has(*kind)).then(|| {
        fix.clone().below(format!(
            "(apply applies all hosts of the workspace or none: it refuses as long as {} has no usable chain)",
            one.host
        ))
    })
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::{Chainless, Facts};
    use crate::doctor::testing::{assert_one, change};
    use crate::lint::{Finding, Place, codes};
    use crate::problem::Problem;

    fn without(matters: bool, secret: Option<&str>) -> Facts {
        change(|facts| {
            facts.chainless.push(Chainless {
                host: "shop.example.com".into(),
                matters,
                problem: Problem::new("shop.example.com has no chain in this folder").why("the folder is gone"),
                has_folder: false,
                secret: secret.map(str::to_owned),
            });
        })
    }

    #[test]
    fn a_host_without_its_folder_is_told_by_itself() {
        let finding = assert_one(&without(true, None), "ITL1105", "shop.example.com has no chain");
        assert!(
            finding.why.starts_with("the folder is gone\nistio-tls.yaml lists"),
            "{}",
            finding.why
        );
        assert_eq!(
            finding.fix,
            "restore its folder, or istio-tls gen-certs shop.example.com"
        );
        let finding = assert_one(&without(true, Some("istio-system/shop")), "ITL1105", "shop.example.com");
        assert!(
            finding
                .fix
                .starts_with("istio-tls adopt secret/istio-system/shop --host shop.example.com"),
            "{}",
            finding.fix
        );
        let mut there = without(true, Some("istio-system/shop"));
        there.chainless[0].has_folder = true;
        let finding = assert_one(&there, "ITL1105", "shop.example.com");
        assert!(
            finding.fix.contains("--host shop.example.com --force, which"),
            "{}",
            finding.fix
        );
        assert_eq!(examine(&without(false, None)).findings, []);
    }

    #[test]
    fn what_others_need_of_apply_is_told_with_why_it_refuses() {
        let mut facts = without(false, None);
        let place = Place {
            object: "Gateway default/mygateway".into(),
            path: "spec.servers[0].tls.credentialName".into(),
            ..Place::default()
        };
        facts.linted.findings = vec![Finding::new(&codes::CREDENTIAL_MISSING, place, "as lint says")];
        let finding = assert_one(&facts, "ITL0301", "as lint says");
        assert!(
            finding
                .fix
                .starts_with("istio-tls doctor --fix, or istio-tls apply, creates Secret")
                && finding.fix.contains("as long as shop.example.com has no usable chain"),
            "{}",
            finding.fix
        );
    }
}
