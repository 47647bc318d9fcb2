//! `lint`: finds what will not work in manifests, key material, the workspace or a
//! cluster. [`inputs`] decides what is read, [`check`] judges it; [`mending`] plans and
//! writes safe fixes.

pub mod check;
pub mod cluster;
pub mod inputs;
pub mod judging;
pub mod made;
pub mod mending;
pub mod served;
