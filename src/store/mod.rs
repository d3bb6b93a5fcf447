//! The history: attempts and quiz runs, in an SQLite file behind a narrow trait.
//!
//! The file is safe with several writers (WAL and a busy timeout) and after kill -9. Where it cannot be written the run
//! goes on with a history in memory and the user is told; where it is damaged it is kept aside and a new one begun.

pub mod error;
pub mod history;
pub mod migrations;
pub mod open;
pub mod sqlite;
pub mod transfer;

pub use error::StoreError;
pub use history::{Attempt, Details, Fractions, History, Merged, QuizRun, RunId, Seen, identity};
pub use open::{Opened, Trouble, open};
pub use sqlite::Sqlite;

pub use crate::model::ItemKind;
