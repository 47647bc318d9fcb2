//! Dials a gateway as a client does, records facts, and judges them to a verdict.
