//! Codes ITL06xx.

super::codes! {}
