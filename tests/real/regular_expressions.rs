//! Go's `regexp` is what Istio's admission webhook asks about an expression, and
//! lint's reading of them is compared with it: on what people write, on every
//! piece of the syntax, and on pieces put together.

use std::io::Write as _;
use std::process::{Command, Stdio};

use istio_tls::manifests::re2;

use crate::installed_tools::tool;

/// Pieces of expressions, right and wrong ones.
const PIECES: &[&str] = &[
    "a",
    "/api",
    "ab",
    ".",
    "^",
    "$",
    "|",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?i:",
    "(?s-i:",
    "(?-)",
    "(?x)",
    "(?)",
    "(?P<n>",
    "(?<n>",
    "(?P<a-b>",
    "(?=",
    "(?!a)",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "{2}",
    "{2,}",
    "{2,3}",
    "{3,2}",
    "{,2}",
    "{02}",
    "{1000}",
    "{1001}",
    "{100}",
    "{11}",
    "{0}",
    "{1}",
    "{99999999999}",
    "{",
    "}",
    "{a}",
    "[a-z]",
    "[^a-z]",
    "[]a]",
    "[^]a]",
    "[a",
    "]",
    "[-a]",
    "[a-]",
    "[z-a]",
    "[a-\\d]",
    "[\\d-z]",
    "[[:alpha:]]",
    "[[:^alpha:]]",
    "[[:none:]]",
    "[[:alpha]",
    "[\\b]",
    "[\\x{41}-\\x{5A}]",
    "\\d",
    "\\W",
    "\\s",
    "\\b",
    "\\B",
    "\\A",
    "\\z",
    "\\Z",
    "\\C",
    "\\Q.*\\E",
    "\\Q",
    "\\E",
    "\\a",
    "\\n",
    "\\e",
    "\\0",
    "\\12",
    "\\1",
    "\\8",
    "\\x4",
    "\\x41",
    "\\x{10FFFF}",
    "\\x{110000}",
    "\\x{}",
    "\\x{00000041}",
    "\\x{g}",
    "\\p{Greek}",
    "\\p{greek}",
    "\\p{^Lu}",
    "\\PN",
    "\\pl",
    "\\p{Old_Italic}",
    "\\p{Uppercase_Letter}",
    "\\p{Any}",
    "\\p{}",
    "\\p{None}",
    "\\p",
    "\\_",
    "\\-",
    "\\/",
    "\\ ",
    "\\\u{e9}",
    "\u{e9}",
    "\u{65e5}\u{672c}",
    "\\",
    "\\u0041",
    "++",
    "**",
    "\\G",
    "\\R",
    "\\h",
    "\\K",
    "(a{30}){40}",
    "((a{10}){10}){10}",
];

/// Every piece, all pairs, and so many longer ones.
const LONGER: usize = 30_000;

fn patterns() -> Vec<String> {
    let mut patterns: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    for one in PIECES {
        patterns.extend(PIECES.iter().map(|other| format!("{one}{other}")));
    }
    // A linear congruence, so that each run asks the same.
    let mut state: u64 = 7;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    for _ in 0..LONGER {
        let length = 3 + next(5);
        patterns.push((0..length).map(|_| PIECES[next(PIECES.len())]).collect());
    }
    patterns.retain(|pattern| !pattern.is_empty() && pattern.len() <= 1024);
    patterns
}

fn ask_go(patterns: &[String]) -> Vec<bool> {
    let mut child = Command::new(tool("regexps"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("regexps starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let lines: Vec<String> = patterns
        .iter()
        .map(|pattern| serde_json::Value::from(pattern.as_str()).to_string() + "\n")
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()));
    let output = child.wait_with_output().expect("regexps ends");
    writer.join().expect("the writer ends").expect("regexps reads");
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    answers.lines().map(|line| line == "true").collect()
}

#[test]
fn expressions_are_read_as_go_reads_them() {
    let patterns = patterns();
    let answers = ask_go(&patterns);
    assert_eq!(answers.len(), patterns.len());
    assert!(answers.iter().filter(|taken| **taken).count() > 1_000);
    let wrong: Vec<String> = patterns
        .iter()
        .zip(&answers)
        .filter(|(pattern, taken)| re2::check(pattern).is_ok() != **taken)
        .map(|(pattern, taken)| format!("{pattern}: Go says {taken}, we say {:?}", re2::check(pattern)))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        patterns.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
