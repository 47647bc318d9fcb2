//! The workspace's objects in a cluster, for `apply --prune` and `delete`.

use super::surroundings::Surroundings;
use crate::cluster::owned::Found;

/// Reports copies, which are kept, and what could not be searched.
pub fn tell_of_others(found: &Found, here: &Surroundings) {
    for copy in &found.copies {
        here.advise(&copy.note());
    }
    for unseen in &found.unseen {
        here.say_always(&format!("note: {unseen} may not be listed, and were not searched"));
    }
}
