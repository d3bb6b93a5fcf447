//! How much a pack may be.

use crate::content::source;

/// Bytes of an archive as it is on the disk.
pub const ARCHIVE: u64 = 8 << 20;
/// Bytes of all files together.
pub const TOTAL: u64 = source::MAXIMUM_TOTAL;
/// Bytes of one file.
pub const FILE: u64 = source::MAXIMUM_BYTES;
/// Files and folders.
pub const ENTRIES: usize = source::MAXIMUM_FILES;
/// Parts of a path.
pub const DEPTH: usize = source::MAXIMUM_DEPTH as usize;
/// Bytes of a path.
pub const PATH: usize = 240;
