//! Codes ITL07xx.

super::codes! {}
