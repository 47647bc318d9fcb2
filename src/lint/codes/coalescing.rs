//! Codes ITL08xx.

super::codes! {}
