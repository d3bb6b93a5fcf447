//! What to practise next: pure, from the history alone.

pub mod suggest;

pub use suggest::{Activity, Past, Suggestion, suggest};
