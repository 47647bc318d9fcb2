//! Durations as people type them: `60s`, `500ms`, `2m`, `1h`, `30d`; `0` needs no unit.

use std::time::Duration;

/// The maximum: ten years, the validity of a root.
const LONGEST_DAYS: u64 = 3_660;

/// Parses a duration, for clap. A number without a unit is refused, because
/// `--if-expires-in 30` means days, and `--wait 30` means seconds.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number
        .parse()
        .map_err(|_| "a duration is a number and a unit, such as 60s or 500ms".to_owned())?;
    let seconds = |factor: u64| {
        number
            .checked_mul(factor)
            .filter(|seconds| *seconds <= LONGEST_DAYS * 86_400)
            .map(Duration::from_secs)
            .ok_or_else(|| format!("it is longer than ten years ({LONGEST_DAYS}d)"))
    };
    match unit {
        "" if number == 0 => Ok(Duration::ZERO),
        "" => Err(format!(
            "a duration is a number and a unit, such as {number}s or {number}d; the units are ms, s, m, h and d"
        )),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        "d" => seconds(86_400),
        other => Err(format!("{other:?} is not a unit; the units are ms, s, m, h and d")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn units() {
        assert_eq!(parse("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
        assert_eq!(parse("400d"), Ok(Duration::from_hours(9600)));
        assert_eq!(parse("3660d"), Ok(Duration::from_hours(87_840)));
        assert_eq!(parse("2m"), Ok(Duration::from_mins(2)));
        for bad in [
            "",
            "s",
            "2",
            "30",
            "3661d",
            "1x",
            "-1s",
            "99999999999999999999s",
            "999999d",
        ] {
            assert!(parse(bad).is_err(), "{bad:?} was accepted");
        }
    }
}
