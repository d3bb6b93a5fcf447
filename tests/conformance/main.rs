//! The embedded cluster held against recorded answers of a real one.

mod cases;
mod difference;
mod document;
mod faults;
#[allow(dead_code, reason = "recording uses the rest")]
mod shared;
