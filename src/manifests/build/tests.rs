//! What intents become.
