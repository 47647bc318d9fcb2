//! Fuzz targets that only the commands can reach; see [`crate::fuzzing`].

/// A duration as typed: what is accepted is bounded, and is parsed correctly.
pub(crate) fn duration(text: &str) {
    match super::duration::parse(text) {
        Ok(length) => {
            assert!(length.as_secs() <= 3_660 * 86_400, "{text:?} is {length:?}");
            assert_eq!(
                super::duration::parse(&format!("{}ms", length.as_millis())),
                Ok(length),
                "{text:?}"
            );
        }
        Err(why) => assert!(!why.is_empty()),
    }
}
