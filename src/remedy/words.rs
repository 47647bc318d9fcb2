//! Remedies as text: the program's name, the context flags, and quotes for a POSIX shell.

use super::aim::{Aim, Cluster};
use super::edit::Edit;
use super::kind::Program;
use super::line::{Join, Line, Word};
use super::{Part, Remedy};
use crate::shell::quote;

impl Remedy {
    /// The text, with the flags of `aim`.
    pub fn words(&self, aim: &Aim) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Words(words) => words.clone(),
            Part::Line(line) => line.typed(aim),
            Part::Edit(edit) => edit.words(),
            Part::Repeat => "run the same command again".to_owned(),
        });
        parts.collect()
    }
}

impl Line {
    /// The line as it is typed.
    pub fn typed(&self, aim: &Aim) -> String {
        let mut typed = self.argv(aim).join(" ");
        if let Some((join, next)) = &self.next {
            typed.push_str(match join {
                Join::Pipe => " | ",
                Join::And => " && ",
            });
            typed.push_str(&next.typed(aim));
        }
        typed
    }

    /// Its words as typed, quoted for a POSIX shell where necessary.
    fn argv(&self, aim: &Aim) -> Vec<String> {
        let mut argv = Vec::new();
        match self.kind.program() {
            Program::IstioTls => argv.push("istio-tls".to_owned()),
            Program::Kubectl => argv.push("kubectl".to_owned()),
            Program::Other => {}
        }
        if let (true, Some(dir)) = (self.scope.workspace, &aim.dir) {
            argv.extend(["-C".to_owned(), quote(dir)]);
        }
        let cluster = self.scope.cluster.iter().flatten();
        let flags: Vec<String> = cluster.flat_map(Cluster::flags).map(quote).collect();
        let at = self.place_of_flags();
        for (index, word) in self.words.iter().enumerate() {
            if index == at {
                argv.extend(flags.iter().cloned());
            }
            argv.push(match word {
                Word::Plain(word) => quote(word),
                Word::Placeholder(name) => (*name).to_owned(),
            });
        }
        if at >= self.words.len() {
            argv.extend(flags);
        }
        argv
    }

    /// The position of the cluster flags: kubectl's come first, ours after the command or
    /// after the `--target cluster` that they belong to, those of other programs last.
    fn place_of_flags(&self) -> usize {
        match self.kind.program() {
            Program::Kubectl => return 0,
            Program::Other => return self.words.len(),
            Program::IstioTls => {}
        }
        let is = |word: &Word, text: &str| matches!(word, Word::Plain(word) if word == text);
        let target = (self.words.windows(2)).position(|pair| is(&pair[0], "--target") && is(&pair[1], "cluster"));
        target.map_or(1, |at| at + 2)
    }
}

impl Edit {
    /// `set spec.servers[0].tls.mode to MUTUAL in gateway.yaml`.
    fn words(&self) -> String {
        let Self { place, field, value } = self;
        match value {
            Some(value) => format!("set {field} to {value} in {place}"),
            None => format!("remove {field} from {place}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::remedy::{Aim, Cluster, Edit, Kind, Line, Remedy, Word};

    fn at(dir: &str) -> Aim {
        Aim {
            dir: Some(dir.to_owned()),
        }
    }

    #[test]
    fn lines_lead_back_to_where_the_user_is() {
        let edge = Cluster {
            context: Some("edge 1".to_owned()),
            kubeconfig: None,
        };
        let rotate = || Line::new(Kind::Rotate, ["rotate", "*.a.com"]);
        for (remedy, expected) in [
            (Remedy::from(rotate()), "istio-tls -C 'my ws' rotate '*.a.com'"),
            (
                Remedy::from(rotate().of_cluster()).at_cluster(&edge),
                "istio-tls -C 'my ws' rotate --context 'edge 1' '*.a.com'",
            ),
            (Remedy::from(rotate().anywhere()), "istio-tls rotate '*.a.com'"),
            (
                Remedy::from(Line::new(Kind::KubectlGet, ["get", "pods"]))
                    .or("wait")
                    .at_cluster(&edge),
                "kubectl --context 'edge 1' get pods; or wait",
            ),
            (
                Remedy::from(Line::new(Kind::GenCerts, ["probe", "a", "--target", "cluster", "--mtls"]).of_cluster())
                    .at_cluster(&edge),
                "istio-tls -C 'my ws' probe a --target cluster --context 'edge 1' --mtls",
            ),
            (
                Remedy::from(rotate().pipe(Line::new(Kind::KubectlGet, ["apply", "-f", "-"]))),
                "istio-tls -C 'my ws' rotate '*.a.com' | kubectl apply -f -",
            ),
            (
                Remedy::from(Edit {
                    place: "g.yaml".to_owned(),
                    field: "spec.a".to_owned(),
                    value: Some("b".to_owned()),
                }),
                "set spec.a to b in g.yaml",
            ),
        ] {
            assert_eq!(remedy.words(&at("my ws")), expected);
        }
    }

    #[test]
    fn what_is_filled_in_is_marked_and_not_quoted() {
        let line = Line::new(Kind::Rotate, ["rotate", "a.com"]).flag("--password-file", Word::Placeholder("FILE"));
        assert!(line.has_placeholder());
        assert_eq!(
            line.typed(&Aim::default()),
            "istio-tls rotate a.com --password-file FILE"
        );
    }
}
