//! The database's format, step by step. `PRAGMA user_version` says which steps a file has had. A step is never edited
//! after a release; a new one is added.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Step `n` brings a file from version `n` to `n + 1`.
const STEPS: &[&str] = &[
    // 1: attempts, quiz runs, what draws leave over.
    "CREATE TABLE attempts (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('question', 'scenario')),
        item TEXT NOT NULL,
        exam TEXT,
        domain TEXT,
        started TEXT NOT NULL,
        seconds INTEGER NOT NULL,
        first_earned INTEGER NOT NULL,
        first_maximum INTEGER NOT NULL,
        last_earned INTEGER NOT NULL,
        last_maximum INTEGER NOT NULL,
        hints INTEGER NOT NULL,
        assisted INTEGER NOT NULL,
        variant TEXT NOT NULL,
        seed TEXT,
        run INTEGER REFERENCES runs (id)
    ) STRICT;
    CREATE INDEX attempts_by_item ON attempts (kind, item, id);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        exam TEXT NOT NULL,
        started TEXT NOT NULL,
        finished TEXT,
        state TEXT NOT NULL
    ) STRICT;
    CREATE TABLE carried (
        exam TEXT PRIMARY KEY,
        fractions TEXT NOT NULL
    ) STRICT;",
];

/// The format that this ckaprep writes.
pub const LATEST: i64 = STEPS.len() as i64;

/// Brings a file up to date. Two processes may try at once: the version is read again under the write lock.
pub fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let failed = |source| StoreError::Database { action: "opened", source };
    let version = |c: &Connection| c.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    match version(connection).map_err(failed)? {
        LATEST => return Ok(()),
        theirs if theirs > LATEST => return Err(StoreError::Newer { theirs, ours: LATEST }),
        _ => {}
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let now = version(&transaction).map_err(failed)?;
    for (at, step) in STEPS.iter().enumerate().skip(usize::try_from(now).unwrap_or(0)) {
        transaction.execute_batch(step).map_err(failed)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}
