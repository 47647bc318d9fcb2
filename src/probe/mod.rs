//! The probe: [`target`] decides what is dialled and what is expected, [`dial`]
//! records facts, [`verdict`] judges them.

pub mod dial;
pub mod facts;
pub mod http;
pub mod recorder;
pub mod stream;
mod survey;
pub mod wire;
