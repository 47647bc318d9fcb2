//! Codes ITL03xx.

super::codes! {}
