//! The database's format, step by step. `PRAGMA user_version` says which steps a file has had. A step is never edited
//! after a release; a new one is added.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::StoreError;
use super::history::identity;
use crate::model::ItemKind;

/// Step `n` brings a file from version `n` to `n + 1`.
enum Step {
    /// Statements.
    Sql(&'static str),
    /// What statements cannot do.
    Code(fn(&Connection) -> rusqlite::Result<()>),
}

const STEPS: &[Step] = &[
    // 1: attempts, quiz runs, what draws leave over.
    Step::Sql(
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
    ),
    // 2: attempts have an id that machines agree on, a budget, a rating, a version of the content; details stand beside them.
    Step::Code(identify),
];

fn identify(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE attempts ADD COLUMN uid TEXT;
         ALTER TABLE attempts ADD COLUMN at INTEGER;
         ALTER TABLE attempts ADD COLUMN budget INTEGER;
         ALTER TABLE attempts ADD COLUMN rating INTEGER;
         ALTER TABLE attempts ADD COLUMN content TEXT;
         CREATE UNIQUE INDEX attempts_by_uid ON attempts (uid);
         CREATE TABLE details (
             attempt INTEGER PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
             bindings TEXT NOT NULL,
             answer TEXT,
             report TEXT
         ) STRICT;",
    )?;
    let rows: Vec<(i64, String, String, String, Option<String>)> = connection
        .prepare("SELECT id, kind, item, started, seed FROM attempts ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect::<Result<_, _>>()?;
    let mut taken = connection.prepare("SELECT 1 FROM attempts WHERE uid = ?1")?;
    let mut update = connection.prepare("UPDATE attempts SET uid = ?2, started = ?3, at = ?4 WHERE id = ?1")?;
    for (row, kind, item, started, seed) in rows {
        let kind = if kind == "scenario" { ItemKind::Scenario } else { ItemKind::Question };
        let mut started: Timestamp = started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let seed = seed.and_then(|seed| seed.parse().ok());
        let uid = loop {
            let uid = identity(kind, &item, started, seed);
            if !taken.exists([&uid])? {
                break uid;
            }
            // Two rows of one moment were never told apart before: now they are.
            started = started.checked_add(jiff::Span::new().nanoseconds(1)).unwrap_or(Timestamp::UNIX_EPOCH);
        };
        update.execute(params![row, uid, started.to_string(), started.as_second()])?;
    }
    connection.execute_batch(
        "DROP INDEX attempts_by_item;
         CREATE INDEX attempts_by_item ON attempts (kind, item, at);
         CREATE INDEX attempts_by_time ON attempts (at);",
    )
}

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
        match step {
            Step::Sql(statements) => transaction.execute_batch(statements),
            Step::Code(work) => work(&transaction),
        }
        .map_err(failed)?;
        transaction.pragma_update(None, "user_version", at as i64 + 1).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{History, Sqlite};

    #[test]
    fn what_the_first_version_wrote_is_there_with_ids() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let old = Connection::open(&path).unwrap();
        let Step::Sql(first) = &STEPS[0] else { panic!("the first step is statements") };
        old.execute_batch(first).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        for _ in 0..2 {
            // The same moment twice: ids must differ all the same.
            old.execute_batch(
                "INSERT INTO attempts (kind, item, started, seconds, first_earned, first_maximum, last_earned, last_maximum, hints, assisted,
                 variant, seed) VALUES ('scenario', 's', '2026-01-02T03:04:05.5Z', 7, 1, 8, 8, 8, 1, 0, '{\"fault\":\"x\"}', '18446744073709551615')",
            )
            .unwrap();
        }
        drop(old);
        let history = Sqlite::open(&path).unwrap();
        let attempts = history.attempts(10).unwrap();
        assert_eq!(attempts.len(), 2);
        assert_ne!(attempts[0].id, attempts[1].id);
        assert!(attempts.iter().all(|a| a.id == a.identity() && a.seed == Some(u64::MAX) && a.budget_seconds.is_none()));
        let tried = history.tried().unwrap();
        assert_eq!((tried.len(), tried[0].tries.len(), tried[0].variant.as_str()), (1, 2, "{\"fault\":\"x\"}"));
    }
}
