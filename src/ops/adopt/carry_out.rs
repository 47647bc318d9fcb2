//! Writes what was planned.

use super::plan::{Plan, refuse_rotating, wanted};
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::workspace::layout::Part;
use crate::workspace::store::{Keep, Store};

/// Copies the chains into the workspace and records them.
///
/// # Errors
/// If a file cannot be written, or a replacement of the host's CA started meanwhile.
pub fn carry_out(plan: &Plan, here: &Surroundings) -> Result<(), Failure> {
    let store = Store::open(&here.dir, || {
        here.say("waiting for another istio-tls that is writing to this workspace");
    })
    .map_err(Failure::runtime)?;
    // Read again: another process may have changed it meanwhile.
    refuse_rotating(&plan.placed)?;
    let pending = wanted(here, &plan.recorded, plan.pods.as_deref())?
        .prepare(&store)
        .map_err(Failure::runtime)?;
    for placed in plan.placed.iter().filter(|placed| !placed.in_place) {
        let parts: Vec<(Part<'_>, &[u8])> = (placed.chain.files.iter())
            .map(|file| (file.part.part(), file.content.as_slice()))
            .collect();
        let keep = if placed.same_ca {
            Keep::Everything
        } else {
            Keep::OtherFiles
        };
        store
            .write_chain(&placed.layout, &parts, keep)
            .map_err(Failure::runtime)?;
    }
    pending.commit().map_err(Failure::runtime)
}
