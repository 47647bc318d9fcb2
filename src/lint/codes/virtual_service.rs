//! Codes ITL05xx.

super::codes! {}
