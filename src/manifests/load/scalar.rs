//! The meaning of a plain scalar in Kubernetes' tools (YAML 1.1, as implemented by go-yaml for
//! `kubectl`): `yes`, `on` and `y` are booleans, `012` is octal, `1_000` is a number; `12:30` and
//! dates are text.

use super::tree::Value;

/// Resolves a plain scalar without a tag.
pub(super) fn resolve(text: &str) -> Value {
    if let Some(value) = word(text) {
        return value;
    }
    let first = text.as_bytes().first().copied().unwrap_or_default();
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Value::String(text.to_owned());
    }
    integer(text)
        .or_else(|| float(text))
        .unwrap_or_else(|| Value::String(text.to_owned()))
}

fn word(text: &str) -> Option<Value> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Value::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Value::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn integer(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let number = if negative { -magnitude } else { magnitude };
    (number >= i128::from(i64::MIN)).then_some(Value::Integer(number))
}

fn float(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) || !exponent_fits {
        return None;
    }
    let number: f64 = plain.parse().ok()?;
    // JSON, which Kubernetes uses, writes 443.0 as 443.
    #[expect(clippy::float_cmp, reason = "whether there is a fraction at all")]
    if number.trunc() == number && number.abs() < 9e15 {
        return Some(Value::Integer(number as i128));
    }
    Some(Value::Float(number))
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use crate::manifests::load::tree::Value;

    #[test]
    fn plain_scalars_mean_what_kubectl_takes_them_for() {
        for (text, value) in [
            ("", Value::Null),
            ("~", Value::Null),
            ("null", Value::Null),
            ("yes", Value::Bool(true)),
            ("NO", Value::Bool(false)),
            ("on", Value::Bool(true)),
            ("y", Value::Bool(true)),
            ("443", Value::Integer(443)),
            ("+443", Value::Integer(443)),
            ("-1", Value::Integer(-1)),
            ("012", Value::Integer(10)),
            ("0o14", Value::Integer(12)),
            ("0x1F", Value::Integer(31)),
            ("1_000", Value::Integer(1000)),
            ("443.0", Value::Integer(443)),
            ("1e3", Value::Integer(1000)),
            ("0.5", Value::Float(0.5)),
            (".5", Value::Float(0.5)),
            ("18446744073709551615", Value::Integer(18_446_744_073_709_551_615)),
        ] {
            assert_eq!(resolve(text), value, "{text}");
        }
        for text in [
            "12:30:45",
            "2024-01-01",
            "1.2.3",
            "10.0.0.1",
            "1h",
            "-",
            ".",
            "+",
            "0x",
            "089x",
            "1e",
            "tRUE",
            "nO",
            "=",
        ] {
            assert_eq!(resolve(text), Value::String(text.to_owned()), "{text}");
        }
    }
}
