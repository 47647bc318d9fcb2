//! A chunked body by Envoy's rules: extensions and trailers are read and left out.

use super::head::{Bounds, Fields};

/// Where the reader of a chunked body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In a chunk's size; none has no digit yet.
    Size(Option<u64>),
    /// Behind a size, up to the end of its line.
    Extension(u64),
    /// The line's last byte is to follow.
    LineFeed(u64),
    /// So many bytes of a chunk are left.
    Data(u64),
    /// Behind a chunk, up to the end of the line.
    Behind,
    /// In the trailers.
    Trailers,
}

/// What became of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All were looked at, and more are needed.
    More,
    /// A chunk of this size begins.
    Chunk(u64),
    /// The body has ended.
    End,
}

/// The bytes are no chunks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Chunks {
    /// Reads up to the next data or the end, and says how many bytes it took.
    pub(super) fn step(&mut self, input: &[u8], bounds: Bounds) -> Result<(usize, Step), Malformed> {
        let mut at = 0;
        while at < input.len() {
            let byte = input[at];
            match *self {
                Self::Size(size) => match (hex(byte), size) {
                    (Some(digit), size) => {
                        let size = size.unwrap_or_default();
                        if size >> 60 != 0 {
                            return Err(Malformed);
                        }
                        *self = Self::Size(Some(size * 16 + digit));
                    }
                    (None, Some(size)) => match byte {
                        b'\r' => *self = Self::LineFeed(size),
                        b';' | b' ' | b'\t' => *self = Self::Extension(size),
                        _ => return Err(Malformed),
                    },
                    (None, None) => return Err(Malformed),
                },
                Self::Extension(size) => match byte {
                    b'\r' => *self = Self::LineFeed(size),
                    b'\n' => return Err(Malformed),
                    _ => {}
                },
                Self::LineFeed(size) => {
                    if byte != b'\n' {
                        return Err(Malformed);
                    }
                    if size > 0 {
                        *self = Self::Data(size);
                        return Ok((at + 1, Step::Chunk(size)));
                    }
                    *self = Self::Trailers;
                }
                Self::Data(_) => return Ok((at, Step::More)),
                Self::Behind => {
                    if byte == b'\n' {
                        *self = Self::Size(None);
                    }
                }
                Self::Trailers => return trailers(&input[at..], bounds).map(|(taken, step)| (at + taken, step)),
            }
            at += 1;
        }
        Ok((at, Step::More))
    }

    /// Notes that bytes of a chunk were passed on.
    pub(super) fn passed(&mut self, count: u64) {
        if let Self::Data(left) = self {
            *left -= count;
            if *left == 0 {
                *self = Self::Behind;
            }
        }
    }
}

/// The lines behind the last chunk. They are dropped, but they must be fields.
fn trailers(input: &[u8], bounds: Bounds) -> Result<(usize, Step), Malformed> {
    let mut end = 0;
    for newline in memchr::memchr_iter(b'\n', input) {
        let line = &input[end..newline];
        end = newline + 1;
        if matches!(line, [] | [b'\r']) {
            let lines = input[..end].split(|byte| *byte == b'\n');
            let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            Fields::read(lines, bounds).map_err(|_| Malformed)?;
            return Ok((end, Step::End));
        }
    }
    if input.len() > bounds.bytes {
        return Err(Malformed);
    }
    Ok((0, Step::More))
}

fn hex(byte: u8) -> Option<u64> {
    char::from(byte).to_digit(16).map(u64::from)
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Chunks, Malformed, Step};

    const BOUNDS: Bounds = Bounds {
        bytes: 100,
        lines: 4,
        is_tls: false,
    };

    /// The body of chunks that come in pieces of a length, and what is left behind them.
    fn body(text: &[u8], piece: usize) -> Result<(Vec<u8>, usize), Malformed> {
        let (mut chunks, mut body, mut at, mut known) = (Chunks::Size(None), Vec::new(), 0, 0);
        loop {
            known = (known + piece).min(text.len());
            loop {
                if let Chunks::Data(left) = chunks {
                    let count = usize::try_from(left).unwrap().min(known - at);
                    body.extend_from_slice(&text[at..at + count]);
                    chunks.passed(count as u64);
                    at += count;
                    if let Chunks::Data(_) = chunks {
                        break;
                    }
                }
                let (taken, step) = chunks.step(&text[at..known], BOUNDS)?;
                at += taken;
                match step {
                    Step::More => break,
                    Step::Chunk(_) => {}
                    Step::End => return Ok((body, text.len() - at)),
                }
            }
            assert!(known < text.len(), "no end");
        }
    }

    #[test]
    fn chunks_are_read_in_any_pieces() {
        for (text, expected) in [
            (&b"3\r\nabc\r\n0\r\n\r\n"[..], Ok((b"abc".to_vec(), 0))),
            (
                b"003 ;a=\"b\"\r\nabc\r\n1\r\nd\r\n00;x\r\nx-t: 1\r\n\r\nGET",
                Ok((b"abcd".to_vec(), 3)),
            ),
            (b"3\r\nabcd\r\n0\r\n\r\n", Ok((b"abc".to_vec(), 0))),
            (b"x\r\n", Err(Malformed)),
            (b"\r\n", Err(Malformed)),
            (b"+3\r\nabc", Err(Malformed)),
            (b"0x3\r\nabc", Err(Malformed)),
            (b"3\nabc\n0\n\n", Err(Malformed)),
            (b"3;a\rb\r\nabc", Err(Malformed)),
            (b"ffffffffffffffffff\r\n", Err(Malformed)),
            (b"0\r\nx y: 1\r\n\r\n", Err(Malformed)),
        ] {
            for piece in 1..=text.len() {
                assert_eq!(body(text, piece), expected, "{} by {piece}", text.escape_ascii());
            }
        }
    }
}
