//! Fuzz targets for private code of this module; see [`crate::fuzzing`].

use super::examine;
use super::facts::Log;
use super::testing::change;
use super::withheld::withheld;
use crate::report::paint::printable;

/// A gateway's log: a line that may contain part of a key is not shown.
pub(crate) fn gateway_log(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let marks = withheld(&lines);
    assert_eq!(marks.len(), lines.len());
    let facts = change(|facts| {
        facts.logs = vec![Log {
            pod: "istio-system/gateway".into(),
            lines: Ok(lines.clone()),
        }];
    });
    let report = examine(&facts);
    for finding in &report.findings {
        assert!(!finding.what.is_empty() && !finding.fix.is_empty(), "{finding:?}");
        let said = format!("{} {} {}", finding.what, finding.why, finding.fix);
        for (line, _) in lines
            .iter()
            .zip(&marks)
            .filter(|(line, mark)| **mark && line.len() > 64)
        {
            assert!(!said.contains(line.trim()), "{line:?} is shown: {said}");
        }
        let _ = printable(&said);
    }
}
