//! What the workspace has in a cluster, for `apply --prune` and `delete`.

use super::surroundings::Surroundings;
use crate::cluster::owned::Found;

/// Tells of copies, which stay, and of what could not be looked through.
pub fn tell_of_others(found: &Found, here: &Surroundings) {
    for copy in &found.copies {
        here.advise(&copy.note());
    }
    for unseen in &found.unseen {
        here.say_always(&format!(
            "note: {unseen} may not be listed, and were not looked through"
        ));
    }
}
