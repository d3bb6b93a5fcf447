//! The embedded cluster held against recorded answers of a real one.

mod faults;
mod pattern;
