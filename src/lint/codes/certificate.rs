//! Codes ITL04xx.

super::codes! {}
