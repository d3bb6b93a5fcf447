//! Images: names as the distribution specification writes them, and a catalogue of what the registries serve, as data.

mod base;
mod catalogue;
mod files;
mod reference;
mod rows;

pub use catalogue::{Catalogue, Image, catalogue};
pub use reference::{InvalidReference, Reference};
