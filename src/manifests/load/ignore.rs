//! Ignore comments, and the lines that they apply to: `# istio-tls:ignore ITL0012[,ITL0013]
//! [reason]`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::position::{Location, Position};

/// The prefix of such a comment.
pub(super) const MARK: &str = "istio-tls:ignore";

/// An ignore comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignore {
    /// Its position.
    pub location: Location,
    /// The codes in it, as written.
    pub codes: Vec<String>,
    /// The lines that it applies to: its own and the next, or those of an object directly below it.
    pub lines: RangeInclusive<u32>,
}

/// Such a comment as found by the parser.
#[derive(Debug)]
pub(super) struct Comment {
    position: Position,
    codes: Vec<String>,
    /// Whether something precedes it on its line.
    beside: bool,
    /// Whether it comes before the content of its document.
    leading: bool,
}

impl Comment {
    /// The codes in a comment's text after `#`; none if it is not an ignore comment.
    pub(super) fn parse(text: &str, position: Position, beside: bool, leading: bool) -> Option<Self> {
        let rest = text.trim().strip_prefix(MARK)?;
        if rest.starts_with(|next: char| !next.is_whitespace()) {
            return None;
        }
        let list = rest.split_whitespace().next().unwrap_or_default();
        let codes = list.split(',').filter(|code| !code.is_empty());
        Some(Self {
            position,
            codes: codes.map(str::to_owned).collect(),
            beside,
            leading,
        })
    }
}

/// The comments with the lines that they apply to. Each comes with the first and last line of its
/// document's content (none if that is not YAML); `starts` are the first lines of the objects, in
/// ascending order.
pub(super) fn ignores(
    comments: Vec<(Comment, Option<(u32, u32)>)>,
    text: &str,
    file: &Arc<str>,
    starts: &[u32],
) -> Vec<Ignore> {
    let lines: Vec<&str> = text.lines().collect();
    let line_at = |number: u32| {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        lines.get(index).copied()
    };
    let is_comment = |number: u32| line_at(number).is_some_and(|line| line.trim_start().starts_with('#'));
    // The lines of the object that begins at a line.
    let object_at = |first: u32, document: Option<(u32, u32)>| {
        let index = starts.binary_search(&first).ok()?;
        let next = starts.get(index + 1).map_or(u32::MAX, |start| start.saturating_sub(1));
        let document_end = document.map_or(u32::MAX, |(_, last)| last);
        let last = if document_end < first {
            next
        } else {
            next.min(document_end)
        };
        Some(first..=last.max(first))
    };
    let mut found: Vec<Ignore> = Vec::with_capacity(comments.len());
    // For a block of comments, the line after the last one applies to all of them.
    let mut below: Option<(u32, u32)> = None;
    for (comment, document) in comments.into_iter().rev() {
        let own = comment.position.line;
        let range = if comment.beside {
            own..=own
        } else {
            let mut next = own.saturating_add(1);
            while is_comment(next) {
                next = match below {
                    Some((line, after)) if line == next => after,
                    _ => next.saturating_add(1),
                };
            }
            below = Some((own, next));
            let separator = line_at(next).is_some_and(|line| line.starts_with("---"));
            match document {
                Some((first, last)) if comment.leading && own < first => first..=last.max(first),
                // A comment above the start of a document is above the document's object.
                _ if separator => match starts.get(starts.partition_point(|start| *start < next)) {
                    Some(start) => object_at(*start, document).unwrap_or(own..=next),
                    None => own..=next,
                },
                _ => object_at(next, document).unwrap_or(own..=next),
            }
        };
        found.push(Ignore {
            location: Location::new(file, comment.position),
            codes: comment.codes,
            lines: range,
        });
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use crate::manifests::load::load;

    fn ignored(text: &str) -> Vec<(u32, Vec<String>, u32, u32)> {
        let loaded = load(text, "f");
        let ignores = loaded.ignores.into_iter();
        ignores
            .map(|ignore| {
                (
                    ignore.location.line,
                    ignore.codes,
                    *ignore.lines.start(),
                    *ignore.lines.end(),
                )
            })
            .collect()
    }

    #[test]
    fn comments_mean_their_line_the_next_or_an_object() {
        let codes = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
        for (text, expected) in [
            (
                "apiVersion: v1\nkind: X # istio-tls:ignore A1\n",
                vec![(2, codes("A1"), 2, 2)],
            ),
            (
                "apiVersion: v1\n# istio-tls:ignore A1,A2 because\n# it is so\nkind: X\n",
                vec![(2, codes("A1,A2"), 2, 4)],
            ),
            (
                "# istio-tls:ignore A1\n\n# more\napiVersion: v1\nkind: X\na: 1\n",
                vec![(1, codes("A1"), 4, 7)],
            ),
            (
                "kind: X\napiVersion: v1\n---\n# istio-tls:ignore A1\n# istio-tls:ignore A2\napiVersion: v1\nkind: X\n---\na: 1\n",
                vec![(4, codes("A1"), 6, 8), (5, codes("A2"), 6, 8)],
            ),
            (
                "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: X\n# istio-tls:ignore A1\n- apiVersion: v1\n  kind: X\n- {apiVersion: v1, kind: X}\n",
                vec![(6, codes("A1"), 7, 8)],
            ),
            (
                "apiVersion: v1\nkind: X\nb: |\n  # istio-tls:ignore A1\nc: '# istio-tls:ignore A1'\n",
                vec![],
            ),
            (
                "# istio-tls:ignored A1\nkind: X\napiVersion: v1 #istio-tls:ignore\n",
                vec![(3, vec![], 3, 3)],
            ),
        ] {
            assert_eq!(ignored(text), expected, "{text}");
        }
    }

    #[test]
    fn thousands_of_comments_take_no_time() {
        let text = "# istio-tls:ignore A1\n".repeat(50_000) + "apiVersion: v1\nkind: X\n";
        let ignores = ignored(&text);
        assert_eq!(ignores.len(), 50_000);
        assert!(ignores.iter().all(|ignore| ignore.2 == 50_001));
    }
}
