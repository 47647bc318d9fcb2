//! The variables of Istio's tasks, for a shell and as JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::schema_number::SchemaNumber;
use crate::probe::ingress_variables::IngressVariables;
use crate::shell::quote;

/// The note if INGRESS_HOST is a name.
pub const NAME_NOTE: &str = "note: INGRESS_HOST is a name, but curl --resolve takes only \
    addresses; use curl --connect-to \
    \"HOST:$SECURE_INGRESS_PORT:$INGRESS_HOST:$SECURE_INGRESS_PORT\"";

/// The variables as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'v> {
    /// The number of this format.
    schema: SchemaNumber,
    /// The values, keyed by the name of the variable: INGRESS_HOST, INGRESS_PORT,
    /// SECURE_INGRESS_PORT.
    variables: BTreeMap<&'v str, &'v str>,
}

/// The report of these variables.
pub fn report(variables: &IngressVariables) -> Report<'_> {
    let values = variables.values.iter();
    Report {
        schema: SchemaNumber,
        variables: values.map(|(name, value)| (*name, value.as_str())).collect(),
    }
}

/// Lines for a POSIX shell to evaluate.
pub fn export_lines(variables: &IngressVariables) -> String {
    let lines: Vec<String> = (variables.values.iter())
        .map(|(name, value)| format!("export {name}={}\n", quote(value)))
        .collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::export_lines;
    use crate::probe::expectation::Place;
    use crate::probe::ingress_variables::variables;
    use crate::probe::target::Target;
    use crate::workspace::running::{RunningListener, RunningServe};

    fn serve(listeners: &[(u16, &str, bool)]) -> Target {
        let listeners = listeners.iter().map(|(port, address, tls)| RunningListener {
            port: *port,
            address: address.parse().expect("an address"),
            tls: *tls,
        });
        Target::Running(RunningServe {
            schema: 1,
            id: "0".repeat(32),
            pid: 1,
            admin: "127.0.0.1:15000".parse().expect("an address"),
            listeners: listeners.collect(),
            manifests: None,
        })
    }

    #[test]
    fn what_is_known_is_exported() {
        let address = |host: &str, plain_port| Target::Address {
            host: host.to_owned(),
            port: 30443,
            plain_port,
            place: Place::Cluster,
        };
        for (target, expected) in [
            (
                address("10.0.0.7", Some(30080)),
                "export INGRESS_HOST=10.0.0.7\nexport INGRESS_PORT=30080\nexport SECURE_INGRESS_PORT=30443\n",
            ),
            (
                address("a b'c", None),
                "export INGRESS_HOST='a b'\\''c'\nexport SECURE_INGRESS_PORT=30443\n",
            ),
            (
                address("2001:db8::7", None),
                "export INGRESS_HOST='[2001:db8::7]'\nexport SECURE_INGRESS_PORT=30443\n",
            ),
            (
                serve(&[
                    (80, "0.0.0.0:8080", false),
                    (444, "0.0.0.0:8444", true),
                    (443, "0.0.0.0:8443", true),
                ]),
                "export INGRESS_HOST=127.0.0.1\nexport INGRESS_PORT=8080\nexport SECURE_INGRESS_PORT=8443\n",
            ),
            (
                serve(&[(80, "127.0.0.2:8080", false), (443, "[::1]:8443", true)]),
                "export INGRESS_HOST='[::1]'\nexport SECURE_INGRESS_PORT=8443\n",
            ),
        ] {
            assert_eq!(export_lines(&variables(&target).expect("a gateway")), expected);
        }
        assert_eq!(variables(&Target::None), None);
        assert_eq!(variables(&serve(&[(80, "0.0.0.0:8080", false)])), None);
    }
}
