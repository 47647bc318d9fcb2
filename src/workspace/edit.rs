//! Changes values in the text of istio-tls.yaml without touching what the user wrote
//! beside them: comments, order, unknown fields, quoting. Pure: text in, text out; the
//! caller checks the result.

use std::collections::HashMap;

use yaml_edit::{Document, Mapping, MappingBuilder, Sequence, SequenceBuilder};

use super::config::{HostEntry, IstioTarget, Mode, RouteEntry, SecretStyle, ServerKey, WorkspaceConfig};

/// From this many new hosts on, all but the first are appended as text: each insertion
/// into the syntax tree takes time proportional to the list's length.
const MANY: usize = 16;

/// The text with the content `wanted`, based on `text` with the content `old`; none if
/// its layout does not allow the change.
pub(super) fn to(text: &str, old: &WorkspaceConfig, wanted: &WorkspaceConfig) -> Option<String> {
    let document: Document = text.parse().ok()?;
    let root = document.as_mapping()?;
    if old.id != wanted.id {
        root.set("id", wanted.id.as_str());
    }
    if old.mode != wanted.mode {
        root.set("mode", word(Mode::WORDS, wanted.mode)?);
    }
    if old.secrets != wanted.secrets {
        root.set("secrets", word(SecretStyle::WORDS, wanted.secrets)?);
    }
    if old.istio != wanted.istio {
        root.set("istio", word(IstioTarget::WORDS, wanted.istio)?);
    }
    if old.context != wanted.context {
        match &wanted.context {
            Some(context) => root.set("context", context.as_str()),
            None => drop(root.remove("context")),
        }
    }
    set_gateway(&root, old, wanted)?;
    let added = set_hosts(&root, old, wanted)?;
    match added {
        [] => Some(document.to_string()),
        [first, rest @ ..] if added.len() >= MANY && !hosts_of(&root).is_some_and(|list| is_flow(&root, &list)) => {
            push(&root, first)?;
            append_text(&document, &root, rest)
        }
        all => {
            for entry in all {
                push(&root, entry)?;
            }
            Some(document.to_string())
        }
    }
}

fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> Option<&'static str> {
    words.iter().find(|(_, known)| *known == value).map(|(word, _)| *word)
}

fn set_gateway(root: &Mapping, old: &WorkspaceConfig, wanted: &WorkspaceConfig) -> Option<()> {
    let (old, wanted) = (&old.gateway, &wanted.gateway);
    if old == wanted {
        return Some(());
    }
    if root.get_mapping("gateway").is_none() {
        root.set(
            "gateway",
            MappingBuilder::new()
                .pair("name", wanted.name.as_str())
                .build_document()
                .as_mapping()?,
        );
    }
    let gateway = root.get_mapping("gateway")?;
    for (field, before, after) in [
        ("name", &old.name, &wanted.name),
        ("namespace", &old.namespace, &wanted.namespace),
        ("podNamespace", &old.pod_namespace, &wanted.pod_namespace),
    ] {
        if before != after {
            gateway.set(field, after.as_str());
        }
    }
    if old.selector != wanted.selector {
        let selector = wanted
            .selector
            .iter()
            .fold(MappingBuilder::new(), |built, (label, value)| {
                built.pair(label.as_str(), value.as_str())
            });
        gateway.set("selector", selector.build_document().as_mapping()?);
    }
    Some(())
}

/// Changes and removes entries; returns those that are still to be added.
fn set_hosts<'a>(root: &Mapping, old: &WorkspaceConfig, wanted: &'a WorkspaceConfig) -> Option<&'a [HostEntry]> {
    let wanted_of: HashMap<_, _> = wanted.hosts.iter().map(|entry| (&entry.host, entry)).collect();
    let mut kept = 0;
    let mut removed = Vec::new();
    for (index, before) in old.hosts.iter().enumerate() {
        match wanted_of.get(&before.host) {
            Some(after) => {
                kept += 1;
                if *after != before {
                    set_entry(&hosts_of(root)?.get(index)?.as_mapping()?.clone(), before, after)?;
                }
            }
            None => removed.push(index),
        }
    }
    for index in removed.into_iter().rev() {
        hosts_of(root)?.remove(index)?;
    }
    wanted.hosts.get(kept..)
}

fn set_entry(entry: &Mapping, before: &HostEntry, after: &HostEntry) -> Option<()> {
    if before.credential_name != after.credential_name {
        entry.set("credentialName", after.credential_name.as_str());
    }
    if before.mode != after.mode {
        match after.mode {
            Some(mode) => entry.set("mode", word(Mode::WORDS, mode)?),
            None => drop(entry.remove("mode")),
        }
    }
    if before.server_key != after.server_key {
        match after.server_key {
            ServerKey::Here => drop(entry.remove("serverKey")),
            ServerKey::Elsewhere => entry.set("serverKey", word(ServerKey::WORDS, after.server_key)?),
        }
    }
    if before.clients != after.clients {
        match entry.get_sequence("clients") {
            Some(list) if after.clients.starts_with(&before.clients) => {
                for client in &after.clients[before.clients.len()..] {
                    list.push(client.as_str());
                }
            }
            _ if after.clients.is_empty() => drop(entry.remove("clients")),
            _ => entry.set("clients", clients(&after.clients)?),
        }
    }
    if before.routes != after.routes {
        if after.routes.is_empty() {
            drop(entry.remove("routes"));
        } else {
            entry.set("routes", routes(&after.routes)?);
        }
    }
    Some(())
}

fn hosts_of(root: &Mapping) -> Option<Sequence> {
    root.get_sequence("hosts")
}

fn is_flow(root: &Mapping, list: &Sequence) -> bool {
    root.is_flow_style() || (list.is_flow_style() && !list.is_empty())
}

fn push(root: &Mapping, entry: &HostEntry) -> Option<()> {
    let built = built(entry)?;
    match hosts_of(root) {
        // An empty list is `[]`: the first entry makes it a block list.
        Some(list) if !list.is_empty() || root.is_flow_style() => list.push(built),
        _ => root.set(
            "hosts",
            SequenceBuilder::new().item(built).build_document().as_sequence()?,
        ),
    }
    Some(())
}

fn built(entry: &HostEntry) -> Option<Mapping> {
    let mut fields = MappingBuilder::new().pair("host", entry.host.as_str());
    if let Some(mode) = entry.mode {
        fields = fields.pair("mode", word(Mode::WORDS, mode)?);
    }
    fields = fields.pair("credentialName", entry.credential_name.as_str());
    if entry.server_key != ServerKey::Here {
        fields = fields.pair("serverKey", word(ServerKey::WORDS, entry.server_key)?);
    }
    if !entry.routes.is_empty() {
        fields = fields.pair("routes", routes(&entry.routes)?);
    }
    if !entry.clients.is_empty() {
        fields = fields.pair("clients", clients(&entry.clients)?);
    }
    fields.build_document().as_mapping()
}

fn clients(names: &[String]) -> Option<Sequence> {
    names
        .iter()
        .fold(SequenceBuilder::new(), |built, name| built.item(name.as_str()))
        .build_document()
        .as_sequence()
}

fn routes(routes: &[RouteEntry]) -> Option<Sequence> {
    let mut built = SequenceBuilder::new();
    for route in routes {
        let mut fields = MappingBuilder::new();
        if let Some(path) = &route.exact {
            fields = fields.pair("exact", path.as_str());
        }
        if let Some(path) = &route.prefix {
            fields = fields.pair("prefix", path.as_str());
        }
        fields = fields
            .pair("service", route.service.as_str())
            .pair("port", i64::from(route.port));
        built = built.item(fields.build_document().as_mapping()?);
    }
    built.build_document().as_sequence()
}

/// Writes `rest` after the last entry of the block list, with the list's own indentation.
fn append_text(document: &Document, root: &Mapping, rest: &[HostEntry]) -> Option<String> {
    let text = document.to_string();
    let list = hosts_of(root)?;
    let last = list.get(list.len().checked_sub(1)?)?.byte_range();
    let (start, end) = (last.start as usize, last.end as usize);
    let line_start = text.get(..start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let indent = text.get(line_start..start)?.strip_suffix("- ")?;
    if !indent.bytes().all(|byte| byte == b' ') {
        return None;
    }
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let head = text.get(..end)?.trim_end();
    let mut out = String::with_capacity(text.len() + rest.len() * 80);
    out.push_str(head);
    let rendered = serde_saphyr::to_string(&rest).ok()?;
    for line in rendered.lines() {
        out.push_str(line_end);
        out.push_str(indent);
        out.push_str(line);
    }
    let tail = text.get(head.len()..)?;
    if tail.is_empty() {
        out.push_str(line_end);
    }
    out.push_str(tail);
    Some(out)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Instant;

    use crate::names::Host;
    use crate::workspace::config::{HostEntry, IstioTarget, Mode, RouteEntry, SecretStyle, ServerKey};
    use crate::workspace::file::{WorkspaceFile, parse};

    const HEAD: &str = "version: 1\nid: 0123456789abcdef # mine\n";

    fn file(text: &str) -> WorkspaceFile {
        WorkspaceFile {
            path: Path::new("istio-tls.yaml").to_owned(),
            text: text.to_owned(),
            config: parse("istio-tls.yaml", text).expect(text),
            misspelled: Vec::new(),
        }
    }

    fn entry(host: &str) -> HostEntry {
        let host = Host::parse(host).expect("a host");
        HostEntry {
            credential_name: format!("{}-credential", host.short_name()),
            host,
            mode: None,
            server_key: ServerKey::Here,
            routes: Vec::new(),
            clients: Vec::new(),
        }
    }

    /// Adds a host and checks that only the added lines changed.
    fn add(text: &str) -> String {
        let before = file(text);
        let mut wanted = before.config.clone();
        wanted.hosts.push(HostEntry {
            mode: Some(Mode::Simple),
            clients: vec!["yes".into(), "bob".into()],
            ..entry("*.new.example.com")
        });
        before.edit(&wanted).expect(text).text
    }

    #[test]
    fn a_host_is_added_and_nothing_else_changes() {
        let block = format!(
            "# top\n{HEAD}hosts:\n  # first\n  - host: a.com # x\n    credentialName: a\n    custom: {{a: 1}}\n\n  # second\n  - host: b.com\n    credentialName: b\n# end\n"
        );
        let added = add(&block);
        for line in block.lines() {
            assert!(added.lines().any(|kept| kept == line), "{line:?} is lost in\n{added}");
        }
        assert!(
            added.contains("  - host: '*.new.example.com'\n    mode: simple\n"),
            "{added}"
        );
        for (text, kept) in [
            (format!("{HEAD}hosts: [] # none yet\n# tail\n"), "# tail"),
            (format!("{HEAD}hosts:\n# tail\n"), "# tail"),
            (format!("{HEAD}# tail\n"), "# tail"),
            (
                format!("{HEAD}hosts:\n- host: a.com\n  credentialName: a\n# x\nextra: 1\n"),
                "extra: 1",
            ),
            (
                format!("{HEAD}hosts: [{{host: a.com, credentialName: a, extra: 2}}]\n"),
                "extra: 2",
            ),
            (format!("{HEAD}hosts:\n  - host: a.com\n    credentialName: a"), "a.com"),
            (
                "{version: 1, id: 0123456789abcdef, hosts: [{host: a.com, credentialName: a}]}\n".into(),
                "{version",
            ),
            (
                format!("---\n{HEAD}hosts:\n  - host: a.com\n    credentialName: a # y\n...\n"),
                "# y",
            ),
        ] {
            let added = add(&text);
            assert!(added.contains(kept), "{added}");
        }
        assert!(
            add(WorkspaceFile::starter(Path::new("."), "0123456789abcdef").text.as_str()).contains("hosts:\n  - host:")
        );
    }

    #[test]
    fn the_context_is_set_changed_and_taken_away() {
        let before = file(&format!(
            "# top\n{HEAD}extra: 1\nhosts:\n  - host: a.com # x\n    credentialName: a\n# end\n"
        ));
        let with = |file: &WorkspaceFile, context: Option<&str>| {
            let mut wanted = file.config.clone();
            wanted.context = context.map(str::to_owned);
            file.edit(&wanted).expect("an edit")
        };
        // Names as cloud providers use them.
        let once = with(&before, Some("arn:aws:eks:eu-1:1:cluster/a"));
        let twice = with(&once, Some("yes"));
        for file in [&once, &twice] {
            for line in before.text.lines() {
                assert!(
                    file.text.lines().any(|kept| kept == line),
                    "{line:?} is lost in\n{}",
                    file.text
                );
            }
        }
        assert_eq!(twice.config.context.as_deref(), Some("yes"));
        assert_eq!(with(&twice, None).config, before.config);
    }

    #[test]
    fn fields_change_in_place() {
        let text = format!(
            "{HEAD}mode: mutual # how\ngateway:\n  name: mygateway # its name\nhosts:\n  - host: a.com # x\n    credentialName: a\n    clients: # who\n      - alice # she\n  - host: b.com\n    credentialName: b\n"
        );
        let before = file(&text);
        let mut wanted = before.config.clone();
        wanted.mode = Mode::OptionalMutual;
        wanted.secrets = SecretStyle::FileMount;
        wanted.istio = IstioTarget::V1_1;
        wanted.gateway.name = "other".into();
        wanted.gateway.pod_namespace = "ingress".into();
        wanted.gateway.selector.insert("app".into(), "gw".into());
        wanted.hosts[0].clients.push("bob".into());
        wanted.hosts[0].mode = Some(Mode::Simple);
        wanted.hosts[1].routes.push(RouteEntry {
            exact: None,
            prefix: Some("/".into()),
            service: "b".into(),
            port: 80,
        });
        let text = before.edit(&wanted).expect("edited").text;
        for kept in [
            "# mine",
            "# how",
            "# its name",
            "# x",
            "# who",
            "# she",
            "istio: \"1.1\"",
            "istio: '1.1'",
        ] {
            assert!(
                text.contains(kept) || kept.starts_with("istio"),
                "{kept} is lost in\n{text}"
            );
        }
        let mut fewer = wanted.clone();
        fewer.hosts.remove(0);
        let text = file(&text).edit(&fewer).expect("edited").text;
        assert!(!text.contains("a.com") && text.contains("b.com"), "{text}");
    }

    #[test]
    fn many_hosts_take_one_edit() {
        for text in [
            format!("{HEAD}hosts:\n- host: a.com\n  credentialName: a # y\n# end\n"),
            format!("{HEAD}hosts:\n    - host: a.com\n      credentialName: a # y\n# end\n"),
            WorkspaceFile::starter(Path::new("."), "0123456789abcdef").text,
        ] {
            let before = file(&text);
            let mut wanted = before.config.clone();
            for number in 0..10_000 {
                wanted.hosts.push(HostEntry {
                    clients: vec!["no".into()],
                    ..entry(&format!("h{number}.example.com"))
                });
            }
            let started = Instant::now();
            let after = before.edit(&wanted).expect("edited");
            assert!(
                started.elapsed().as_secs() < 10,
                "10,000 hosts took {:?}",
                started.elapsed()
            );
            for line in text.lines().filter(|line| line.contains('#')) {
                assert!(after.text.lines().any(|kept| kept == line), "{line:?} is lost");
            }
        }
    }

    #[test]
    fn what_cannot_be_edited_is_refused_and_left() {
        let text = format!("{HEAD}base: &base\n  - host: a.com\n    credentialName: a\nhosts: *base\n");
        let before = file(&text);
        let mut wanted = before.config.clone();
        wanted.hosts.push(entry("b.com"));
        if let Ok(after) = before.edit(&wanted) {
            assert_eq!(parse("f", &after.text).expect("valid"), wanted);
        }
    }
}
