//! TLS of the listeners: a filter chain's material becomes the configuration
//! of its handshakes, once, when its first client comes.

/// The handshake configurations of one filter chain, made on first use. A new
/// table has new chains and so new configurations: nothing of a former
/// credential, session tickets included, outlives it.
#[derive(Default)]
pub struct ServerConfigs {}
