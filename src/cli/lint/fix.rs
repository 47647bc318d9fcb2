//! `lint --fix`.

use crate::cli::Failure;
use crate::cli::context::Context;
use crate::sources::Collected;
use crate::workspace::config::IstioTarget;

pub(super) fn run(_: &Collected<'_>, _: IstioTarget, _: &Context) -> Result<bool, Failure> {
    Ok(false)
}
