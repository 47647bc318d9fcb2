//! TLS alerts, with which a peer says why it ends a connection: their numbers and names.

use schemars::JsonSchema;
use serde::Serialize;

/// A TLS alert by its number (RFC 8446 section 6, and IANA's registry for older ones).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alert(pub u8);

impl Alert {
    /// Its name in the RFC.
    pub fn name(self) -> &'static str {
        match self.0 {
            0 => "close_notify",
            10 => "unexpected_message",
            20 => "bad_record_mac",
            21 => "decryption_failed",
            22 => "record_overflow",
            30 => "decompression_failure",
            40 => "handshake_failure",
            41 => "no_certificate",
            42 => "bad_certificate",
            43 => "unsupported_certificate",
            44 => "certificate_revoked",
            45 => "certificate_expired",
            46 => "certificate_unknown",
            47 => "illegal_parameter",
            48 => "unknown_ca",
            49 => "access_denied",
            50 => "decode_error",
            51 => "decrypt_error",
            60 => "export_restriction",
            70 => "protocol_version",
            71 => "insufficient_security",
            80 => "internal_error",
            86 => "inappropriate_fallback",
            90 => "user_canceled",
            100 => "no_renegotiation",
            109 => "missing_extension",
            110 => "unsupported_extension",
            111 => "certificate_unobtainable",
            112 => "unrecognized_name",
            113 => "bad_certificate_status_response",
            114 => "bad_certificate_hash_value",
            115 => "unknown_psk_identity",
            116 => "certificate_required",
            117 => "general_error",
            120 => "no_application_protocol",
            121 => "ech_required",
            _ => "unknown alert",
        }
    }
}

impl std::fmt::Display for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "alert {} {}", self.0, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Alert;

    #[test]
    fn alerts_have_their_rfc_names() {
        for (number, name) in [
            (42, "bad_certificate"),
            (48, "unknown_ca"),
            (111, "certificate_unobtainable"),
            (114, "bad_certificate_hash_value"),
            (116, "certificate_required"),
        ] {
            assert_eq!(Alert(number).name(), name);
        }
        assert_eq!(Alert(70).to_string(), "alert 70 protocol_version");
        assert_eq!(Alert(255).to_string(), "alert 255 unknown alert");
    }
}
