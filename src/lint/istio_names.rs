//! Validation of names as in Istio's admission webhook (istio pkg/config/validation/agent).

use std::net::IpAddr;

/// An RFC 1123 DNS label in upper or lower case, at most 63 characters.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A DNS name; a trailing dot is allowed.
///
/// # Errors
/// The reason why it is not valid, as a fragment.
pub(super) fn check_fqdn(text: &str) -> Result<(), String> {
    check_length(text)?;
    check_labels(text)
}

/// A DNS name whose first label may be `*` or begin with `*`.
///
/// # Errors
/// The reason why it is not valid, as a fragment.
pub(super) fn check_wildcard_domain(text: &str) -> Result<(), String> {
    check_length(text)?;
    let (first, rest) = match text.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    let bare = first.strip_prefix('*').unwrap_or(first);
    let is_wildcard = first.len() != bare.len();
    let label = if is_wildcard {
        bare.strip_prefix('-').unwrap_or(bare)
    } else {
        bare
    };
    if first.len() > 63 || !(first == "*" || is_label(label)) {
        return Err(bad_label(first));
    }
    match rest {
        // A full name may end with a dot.
        None | Some("") => Ok(()),
        Some(rest) => check_labels(rest),
    }
}

/// A host of a VirtualService, or an SNI host: a domain, and for SNI also a cluster name such as
/// `outbound_.80_._.reviews.shop.svc.cluster.local`, as used by `AUTO_PASSTHROUGH`.
///
/// # Errors
/// The reason why it is not valid, as a fragment.
pub(super) fn check_gateway_domain(text: &str, sni: bool) -> Result<(), String> {
    check_length(text)?;
    if !(sni && text.starts_with("outbound_")) {
        return check_wildcard_domain(text);
    }
    let parts: Vec<&str> = text.split('_').collect();
    let has = |at: usize, wanted: fn(&char) -> bool| parts.get(at).is_some_and(|part| part.chars().any(|c| wanted(&c)));
    if has(1, char::is_ascii_digit) && has(3, char::is_ascii_alphabetic) {
        return Ok(());
    }
    Err("a cluster name has the form outbound_.PORT_._.HOST".to_owned())
}

/// An IP address.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// An IP address or a CIDR block.
pub(super) fn is_subnet(text: &str) -> bool {
    let Some((address, bits)) = text.split_once('/') else {
        return is_address(text);
    };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    bits.bytes().all(|b| b.is_ascii_digit()) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

/// A Kubernetes label key, with or without a prefix.
pub(super) fn is_label_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_label))
        && name.len() <= 63
        && is_qualified(name)
}

/// A Kubernetes label value.
pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_qualified(text)
}

/// A header name (RFC 9110 section 5.1).
pub(super) fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether a header name refers to a JWT claim: `@request.auth.claims.sub` or
/// `@request.auth.claims[sub]`.
pub(super) fn is_claim(header: &str) -> bool {
    const CLAIMS: &str = "@request.auth.claims";
    let Some(name) = header
        .get(..CLAIMS.len())
        .filter(|start| start.eq_ignore_ascii_case(CLAIMS))
        .and(header.get(CLAIMS.len()..))
    else {
        return false;
    };
    name.len() > 1 && name.starts_with('.') || name.len() > 2 && name.starts_with('[') && name.ends_with(']')
}

fn is_qualified(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && ends(text.chars().next())
        && ends(text.chars().next_back())
}

fn check_length(text: &str) -> Result<(), String> {
    match text.len() {
        0 => Err("it is empty".to_owned()),
        1..=255 => Ok(()),
        _ => Err("it is longer than 255 characters".to_owned()),
    }
}

fn check_labels(text: &str) -> Result<(), String> {
    let labels: Vec<&str> = text.split('.').collect();
    let last = labels.last().copied().unwrap_or_default();
    if !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("its last label {last} is a number"));
    }
    for (at, label) in labels.iter().enumerate() {
        let ends_in_a_dot = label.is_empty() && at > 0 && at + 1 == labels.len();
        if !ends_in_a_dot && !is_label(label) {
            return Err(bad_label(label));
        }
    }
    Ok(())
}

fn bad_label(label: &str) -> String {
    match label {
        "" => "it has an empty label".to_owned(),
        label => format!("{label} is not a DNS label"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_taken_as_istio_takes_them() {
        for (text, fits) in [
            ("a.com", true),
            ("A.Com", true),
            ("*", true),
            ("*.a.com", true),
            ("*-a.com", true),
            ("*a.com", true),
            ("a.com.", true),
            ("a.", true),
            ("*.", true),
            (".", false),
            ("a..", false),
            ("reviews", true),
            ("", false),
            ("a..com", false),
            ("a.*.com", false),
            ("-a.com", false),
            ("a_b.com", false),
            ("10.0.0.1", false),
            ("a.123", false),
            ("b\u{fc}cher.de", false),
        ] {
            assert_eq!(check_wildcard_domain(text).is_ok(), fits, "{text}");
        }
        assert!(check_wildcard_domain(&format!("{}.com", "a".repeat(64))).is_err());
        assert!(check_fqdn("*.a.com").is_err());
        assert!(check_fqdn(&"a.".repeat(200)).is_err());
        let cluster = "outbound_.80_._.e2e.foobar.mesh";
        assert!(check_gateway_domain(cluster, true).is_ok());
        assert!(check_gateway_domain(cluster, false).is_err());
        assert!(check_gateway_domain("outbound_x", true).is_err());
    }

    #[test]
    fn claims_labels_and_subnets() {
        for (header, fits) in [
            ("@request.auth.claims.sub", true),
            ("@request.auth.claims[a][b]", true),
            ("@Request.auth.claims.x", true),
            ("@request.auth.claims", false),
            ("@request.auth.claims.", false),
            ("x-user", false),
            ("\u{e9}@request.auth.claims.sub", false),
        ] {
            assert_eq!(is_claim(header), fits, "{header}");
        }
        for (key, fits) in [
            ("app", true),
            ("app.kubernetes.io/name", true),
            ("/name", false),
            ("-a", false),
            ("", false),
        ] {
            assert_eq!(is_label_key(key), fits, "{key}");
        }
        assert!(is_label_value("") && is_label_value("v1.2_x") && !is_label_value("a b"));
        for (subnet, fits) in [
            ("10.0.0.0/8", true),
            ("10.0.0.1", true),
            ("2001:1::1/64", true),
            ("10.0.0.0/33", false),
            ("10.0.0.0/+8", false),
            ("10.0.0.0/", false),
            ("a/8", false),
        ] {
            assert_eq!(is_subnet(subnet), fits, "{subnet}");
        }
    }
}
