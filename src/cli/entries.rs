//! What is recorded in istio-tls.yaml; see [`crate::sources::entries`].

pub(super) use crate::sources::entries::{Recorded, missing, read_or_new, record};
