//! The probe: [`target`] determines the dials and expectations, [`dial`] records facts, [`verdict`]
//! judges them, [`run`] combines the three.

pub mod coalesce;
pub mod codes;
pub mod command_lines;
pub mod destination;
pub mod dial;
pub mod expectation;
pub mod facts;
pub mod http;
pub mod ingress_variables;
pub mod judge;
pub mod local;
pub mod recorder;
pub mod run;
pub mod served;
pub mod steps;
pub mod stream;
mod survey;
pub mod target;
pub mod verdict;
mod verdict_client;
mod verdict_http;
mod verdict_rejected;
#[cfg(test)]
mod verdict_rejected_tests;
#[cfg(test)]
mod verdict_tests;
mod verdict_tls;
pub mod wire;
