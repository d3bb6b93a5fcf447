//! Cases, their recorded answers and what is done to compare them: shared by the replay (`tests/conformance`) and by
//! `cargo xtask record`, which takes this folder in by path.

pub mod answers;
pub mod case;
pub mod normal;
pub mod pattern;
pub mod play;
