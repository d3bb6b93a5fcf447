//! What can go wrong with the history.

/// The history could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite's answer.
    #[error("the history could not be {action}")]
    Database {
        /// `opened`, `read`, `written`.
        action: &'static str,
        /// SQLite's words.
        #[source]
        source: rusqlite::Error,
    },
    /// The file was written by a later ckaprep.
    #[error("the history has format {theirs}, this ckaprep knows {ours}")]
    Newer {
        /// Version in the file.
        theirs: i64,
        /// The latest we know.
        ours: i64,
    },
    /// A row holds what we did not write.
    #[error("the history holds something unreadable in {place}")]
    Row {
        /// Table and column.
        place: &'static str,
        /// The decoder's words.
        #[source]
        source: serde_json::Error,
    },
}

impl StoreError {
    /// Whether the file itself is broken (and not, say, locked or on a full disk).
    pub fn is_corruption(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(self, Self::Database { source: rusqlite::Error::SqliteFailure(e, _), .. } if matches!(e.code, DatabaseCorrupt | NotADatabase))
    }
}
