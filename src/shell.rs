//! Words as a POSIX shell reads them back, for lines that users paste.

/// `word` as one word of a shell; quoted only when it must be.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// What puts the objects of standard input in the place of those that are there,
/// or makes them: whoever made those, of whatever type they are, immutable or not.
/// `kubectl apply` would end in a conflict or at a type, which never changes, and
/// keeps a Secret's keys in an annotation; so does `--server-side` where one is there.
pub const PUT: &str = "kubectl replace --force -f -";

/// The line that puts a certificate, its key and, `with_ca`, the CA of clients
/// into a Secret, whether one of that name is there or not. FILE stands for files.
pub fn put_secret(namespace: &str, name: &str, with_ca: bool) -> String {
    let (kind, files) = if with_ca {
        (
            "generic",
            "--from-file=tls.crt=FILE --from-file=tls.key=FILE --from-file=ca.crt=FILE",
        )
    } else {
        ("tls", "--cert=FILE --key=FILE")
    };
    format!(
        "kubectl create -n {} secret {kind} {} {files} --dry-run=client -o yaml | {PUT}",
        quote(namespace),
        quote(name)
    )
}

/// What in a text for people asks a cluster that flags may name.
const ASKING: [&str; 8] = [
    "kubectl",
    "istio-tls adopt",
    "istio-tls apply",
    "istio-tls delete",
    "istio-tls doctor",
    "istio-tls rotate",
    "istio-tls status",
    "--target cluster",
];

/// A text whose commands have the flags that lead to a cluster, such as
/// `--context edge`. What has them already, and words that are no commands,
/// stay as they are.
pub fn aimed(text: &str, flags: &str) -> String {
    if flags.is_empty() {
        return text.to_owned();
    }
    let mut aimed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, found)) = ASKING
        .iter()
        .filter_map(|command| Some((rest.find(command)?, *command)))
        .min_by_key(|(at, _)| *at)
    {
        let (before, after) = rest.split_at(at + found.len());
        aimed.push_str(before);
        let starts = before[..at].chars().next_back().is_none_or(|c| !is_of_word(c));
        // A bare `kubectl` is the program, no line to type.
        let ends =
            after.chars().next().is_none_or(|c| !is_of_word(c)) && (found != "kubectl" || after.starts_with(' '));
        let has_them = after.strip_prefix(' ').is_some_and(|after| after.starts_with(flags));
        if starts && ends && !has_them {
            aimed.push(' ');
            aimed.push_str(flags);
        }
        rest = after;
    }
    aimed.push_str(rest);
    aimed
}

/// Whether a character goes on with a word: `kubectl-create`, `kubectl.kubernetes.io/x`.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || "-_/=\"'".contains(c)
}

#[cfg(test)]
mod tests {
    use super::{aimed, quote};

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in [
            ("a/b.pem", "a/b.pem"),
            ("", "''"),
            ("*.example.com", "'*.example.com'"),
            ("2001:db8::1", "2001:db8::1"),
            ("it's $HOME", "'it'\\''s $HOME'"),
            ("a&b", "'a&b'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
    }

    #[test]
    fn commands_get_the_flags_that_lead_to_a_cluster() {
        for (text, expected) in [
            ("kubectl -n a get pods", "kubectl --context x -n a get pods"),
            (
                "create role && kubectl get a; kubectl get b",
                "create role && kubectl --context x get a; kubectl --context x get b",
            ),
            (
                "istio-tls doctor --fix, or istio-tls apply, makes it",
                "istio-tls doctor --context x --fix, or istio-tls apply --context x, makes it",
            ),
            (
                "istio-tls probe a --target cluster; or --target A:1",
                "istio-tls probe a --target cluster --context x; or --target A:1",
            ),
            (
                "made by kubectl-create, with kubectl",
                "made by kubectl-create, with kubectl",
            ),
            (
                "kubectl.kubernetes.io/last-applied",
                "kubectl.kubernetes.io/last-applied",
            ),
            ("istio-tls gen-certs a", "istio-tls gen-certs a"),
            ("kubectl --context x get pods", "kubectl --context x get pods"),
        ] {
            assert_eq!(aimed(text, "--context x"), expected);
            assert_eq!(aimed(text, ""), text);
        }
    }
}
