//! Values of header operations: plain text, or with variables of Envoy's
//! (`%REQ(x-user)%`) that each request fills in.

use http::{HeaderName, HeaderValue};

/// What a header operation writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderText {
    /// The same for every request.
    Plain(HeaderValue),
    /// Parts of which some are of the request.
    Filled(Vec<Part>),
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// Filled in; nothing where it has no value.
    Variable(Variable),
}

/// What Envoy can fill in, as far as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// `REQ(x?y)`: the first of these that the request has.
    Request(Vec<RequestField>),
    /// `RESP(x?y)`.
    Response(Vec<HeaderName>),
    /// `PROTOCOL`: the client's.
    Protocol,
    /// `RESPONSE_CODE`.
    ResponseCode,
    /// `RESPONSE_FLAGS`.
    ResponseFlags,
    /// `RESPONSE_CODE_DETAILS`.
    ResponseCodeDetails,
    /// `REQUESTED_SERVER_NAME`.
    ServerName,
    /// `UPSTREAM_CLUSTER`.
    Cluster,
    /// `DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT`.
    ClientAddress,
    /// `DOWNSTREAM_REMOTE_ADDRESS`.
    ClientAddressAndPort,
    /// `DOWNSTREAM_TLS_VERSION`.
    TlsVersion,
    /// `DOWNSTREAM_TLS_CIPHER`.
    TlsCipher,
    /// `DOWNSTREAM_PEER_SUBJECT`.
    ClientSubject,
}

/// What `REQ` may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestField {
    /// `:method`.
    Method,
    /// `:path`, with the query.
    Path,
    /// `:authority`.
    Authority,
    /// `:scheme`.
    Scheme,
    /// A header.
    Header(HeaderName),
}

impl RequestField {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Method => ":method",
            Self::Path => ":path",
            Self::Authority => ":authority",
            Self::Scheme => ":scheme",
            Self::Header(name) => name.as_str(),
        }
    }

    /// That of a name as manifests write it; none if it is no header's.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            ":method" => Self::Method,
            ":path" => Self::Path,
            ":authority" | "host" => Self::Authority,
            ":scheme" => Self::Scheme,
            name => Self::Header(HeaderName::try_from(name).ok()?),
        })
    }
}

/// Why a value cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// No header may hold it.
    NotAHeader,
    /// A variable that is not known here, by its text.
    Unknown(String),
}

impl HeaderText {
    /// Reads a value; `%%` is one percent sign.
    ///
    /// # Errors
    /// When it is no header's value, or a variable is not known.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            plain.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                plain.push('%');
                rest = after;
                continue;
            }
            let Some((name, after)) = after.split_once('%') else {
                // Istio's webhook refuses it.
                plain.push('%');
                rest = after;
                continue;
            };
            let variable = Variable::named(name).ok_or_else(|| Unusable::Unknown(format!("%{name}%")))?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Variable(variable));
            rest = after;
        }
        plain.push_str(rest);
        if parts.is_empty() {
            return HeaderValue::from_str(&plain)
                .map(Self::Plain)
                .map_err(|_| Unusable::NotAHeader);
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        let is_text = |part: &Part| match part {
            Part::Text(text) => HeaderValue::from_str(text).is_ok(),
            Part::Variable(_) => true,
        };
        if parts.iter().all(is_text) {
            Ok(Self::Filled(parts))
        } else {
            Err(Unusable::NotAHeader)
        }
    }

    /// The value for a request; none where it is empty, as Envoy then leaves the header alone.
    pub fn value(&self, fill: impl Fn(&Variable) -> Option<String>) -> Option<HeaderValue> {
        let made = match self {
            Self::Plain(value) => value.clone(),
            Self::Filled(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(part) => text.push_str(part),
                        Part::Variable(variable) => text.push_str(&fill(variable).unwrap_or_default()),
                    }
                }
                HeaderValue::try_from(text).ok()?
            }
        };
        Some(made).filter(|value| !value.is_empty())
    }

    /// Whether it is filled in for each request.
    pub const fn is_filled(&self) -> bool {
        matches!(self, Self::Filled(_))
    }
}

impl Variable {
    fn named(text: &str) -> Option<Self> {
        if let Some((command, rest)) = text.split_once('(') {
            let names = rest.strip_suffix(')')?.split('?');
            return match command {
                "REQ" => names.map(RequestField::named).collect::<Option<_>>().map(Self::Request),
                "RESP" => names
                    .map(|name| HeaderName::try_from(name).ok())
                    .collect::<Option<_>>()
                    .map(Self::Response),
                _ => None,
            };
        }
        Some(match text {
            "PROTOCOL" => Self::Protocol,
            "RESPONSE_CODE" => Self::ResponseCode,
            "RESPONSE_FLAGS" => Self::ResponseFlags,
            "RESPONSE_CODE_DETAILS" => Self::ResponseCodeDetails,
            "REQUESTED_SERVER_NAME" => Self::ServerName,
            "UPSTREAM_CLUSTER" => Self::Cluster,
            "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT" | "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT" => {
                Self::ClientAddress
            }
            "DOWNSTREAM_REMOTE_ADDRESS" | "DOWNSTREAM_DIRECT_REMOTE_ADDRESS" => Self::ClientAddressAndPort,
            "DOWNSTREAM_TLS_VERSION" => Self::TlsVersion,
            "DOWNSTREAM_TLS_CIPHER" => Self::TlsCipher,
            "DOWNSTREAM_PEER_SUBJECT" => Self::ClientSubject,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderText, RequestField, Unusable, Variable};

    fn filled(text: &str) -> Option<String> {
        let value = HeaderText::parse(text).unwrap().value(|variable| match variable {
            Variable::Protocol => Some("HTTP/2".to_owned()),
            Variable::Request(fields) => fields.contains(&RequestField::Method).then(|| "GET".to_owned()),
            _ => None,
        });
        value.map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn variables_are_filled_in_and_empty_values_are_none() {
        for (text, expected) in [
            ("100%% sure", Some("100% sure")),
            ("%PROTOCOL%", Some("HTTP/2")),
            ("a-%REQ(x)%-b", Some("a--b")),
            ("%REQ(x?:METHOD)% %PROTOCOL%%%", Some("GET HTTP/2%")),
            ("%REQ(x)%", None),
            ("", None),
        ] {
            assert_eq!(filled(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_no_header_holds_and_what_is_not_known_is_refused() {
        assert_eq!(HeaderText::parse("a\nb"), Err(Unusable::NotAHeader));
        assert_eq!(HeaderText::parse("%PROTOCOL%\n"), Err(Unusable::NotAHeader));
        assert_eq!(
            HeaderText::parse("%START_TIME(%s)%"),
            Err(Unusable::Unknown("%START_TIME(%".into()))
        );
    }
}
