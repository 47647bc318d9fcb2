//! Codes ITL01xx.

super::codes! {}
