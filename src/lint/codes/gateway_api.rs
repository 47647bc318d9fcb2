//! Codes ITL09xx.

super::codes! {}
