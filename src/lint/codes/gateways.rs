//! Codes ITL02xx.

super::codes! {}
