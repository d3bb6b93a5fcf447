//! The history in an SQLite file.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::history::{Attempt, Fractions, History, ItemKind, QuizRun, RunId, Seen};
use super::{StoreError, migrations};
use crate::model::{Points, Score};

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(5);

/// An open history.
pub struct Sqlite {
    connection: Connection,
}

fn opened(source: rusqlite::Error) -> StoreError {
    StoreError::Database { action: "opened", source }
}

fn read(source: rusqlite::Error) -> StoreError {
    StoreError::Database { action: "read", source }
}

fn written(source: rusqlite::Error) -> StoreError {
    StoreError::Database { action: "written", source }
}

/// Switches to WAL. SQLite does not ask its busy handler for this one (it would risk a deadlock), so two processes that open a
/// new file at once would fail: it is tried again here for as long.
fn enter_wal(connection: &Connection) -> rusqlite::Result<()> {
    const PAUSE: Duration = Duration::from_millis(5);
    for _ in 0..BUSY.as_millis() / PAUSE.as_millis() {
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())) {
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::DatabaseBusy => {
                std::thread::park_timeout(PAUSE);
            }
            done => return done,
        }
    }
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
}

impl Sqlite {
    /// Opens or creates the file, readable by its owner only, and brings it up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let new = !path.exists();
        let connection = Connection::open(path).map_err(opened)?;
        if new {
            let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
        }
        let history = Self::prepare(connection)?;
        // A file that can be read but not written is no place for a history.
        if history.connection.is_readonly(rusqlite::MAIN_DB).map_err(opened)? {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_READONLY);
            return Err(opened(rusqlite::Error::SqliteFailure(code, Some("the file is read-only".into()))));
        }
        Ok(history)
    }

    /// A history that is gone afterwards.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory().map_err(opened)?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY).map_err(opened)?;
        // WAL: readers never wait, and a killed writer leaves a file that needs no repair. FULL: an attempt that was
        // shown as recorded is on the disk.
        enter_wal(&connection).map_err(opened)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(opened)?;
        connection.pragma_update(None, "foreign_keys", "ON").map_err(opened)?;
        migrations::migrate(&mut connection)?;
        Ok(Self { connection })
    }

    /// Runs `work` in one transaction that waits for other writers at its beginning, not in its middle.
    fn write<T>(&mut self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(written)?;
        let result = work(&transaction).map_err(written)?;
        transaction.commit().map_err(written)?;
        Ok(result)
    }
}

fn insert(connection: &Connection, attempt: &Attempt, run: Option<RunId>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO attempts (kind, item, exam, domain, started, seconds, first_earned, first_maximum, last_earned, last_maximum,
             hints, assisted, variant, seed, run) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?
        .execute(params![
            attempt.kind.as_str(),
            attempt.item,
            attempt.exam,
            attempt.domain,
            attempt.started.to_string(),
            i64::try_from(attempt.seconds).unwrap_or(i64::MAX),
            attempt.first.earned.0,
            attempt.first.maximum.0,
            attempt.last.earned.0,
            attempt.last.maximum.0,
            attempt.hints,
            attempt.assisted,
            // Keys and values are strings: this always serialises.
            serde_json::to_string(&attempt.variant).unwrap_or_else(|_| "{}".into()),
            // SQLite's integers are signed; a seed uses all 64 bits.
            attempt.seed.map(|seed| seed.to_string()),
            run.map(|run| run.0),
        ])?;
    Ok(())
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let text: String = row.get(column)?;
    text.parse().map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let score = |earned, maximum| Ok::<_, rusqlite::Error>(Score { earned: Points(row.get(earned)?), maximum: Points(row.get(maximum)?) });
    let variant: String = row.get(12)?;
    Ok(Attempt {
        kind: if row.get::<_, String>(0)? == "scenario" { ItemKind::Scenario } else { ItemKind::Question },
        item: row.get(1)?,
        exam: row.get(2)?,
        domain: row.get(3)?,
        started: time(row, 4)?,
        seconds: u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
        first: score(6, 7)?,
        last: score(8, 9)?,
        hints: row.get(10)?,
        assisted: row.get(11)?,
        variant: serde_json::from_str(&variant).map_err(|e| rusqlite::Error::FromSqlConversionFailure(12, Type::Text, Box::new(e)))?,
        seed: row.get::<_, Option<String>>(13)?.and_then(|text| text.parse().ok()),
    })
}

impl History for Sqlite {
    fn record(&mut self, attempt: &Attempt) -> Result<(), StoreError> {
        self.write(|c| insert(c, attempt, None))
    }

    fn record_answer(&mut self, attempt: &Attempt, run: RunId, state: &serde_json::Value) -> Result<(), StoreError> {
        self.write(|c| {
            insert(c, attempt, Some(run))?;
            c.execute("UPDATE runs SET state = ?2 WHERE id = ?1", params![run.0, state.to_string()])?;
            Ok(())
        })
    }

    fn attempts(&self, limit: usize) -> Result<Vec<Attempt>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT kind, item, exam, domain, started, seconds, first_earned, first_maximum, last_earned, last_maximum,
                 hints, assisted, variant, seed FROM attempts ORDER BY id DESC LIMIT ?1",
            )
            .map_err(read)?;
        let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], attempt).map_err(read)?;
        rows.collect::<Result<_, _>>().map_err(read)
    }

    fn seen(&self, kind: ItemKind) -> Result<BTreeMap<String, Seen>, StoreError> {
        // A bare column beside MAX() is of the row that has the maximum (SQLite, "Bare columns in an aggregate query").
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT item, COUNT(*), last_maximum > 0 AND last_earned >= last_maximum, MAX(id) FROM attempts WHERE kind = ?1 GROUP BY item",
            )
            .map_err(read)?;
        let rows = statement
            .query_map([kind.as_str()], |row| Ok((row.get(0)?, Seen { times: row.get(1)?, last_full: row.get(2)? })))
            .map_err(read)?;
        rows.collect::<Result<_, _>>().map_err(read)
    }

    fn variants(&self, scenario: &str) -> Result<Vec<BTreeMap<String, String>>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT variant FROM attempts WHERE kind = 'scenario' AND item = ?1 ORDER BY id DESC")
            .map_err(read)?;
        let rows = statement.query_map([scenario], |row| row.get::<_, String>(0)).map_err(read)?;
        let texts: Vec<String> = rows.collect::<Result<_, _>>().map_err(read)?;
        texts
            .iter()
            .map(|text| serde_json::from_str(text).map_err(|source| StoreError::Row { place: "attempts.variant", source }))
            .collect()
    }

    fn begin_run(
        &mut self,
        exam: &str,
        started: Timestamp,
        state: &serde_json::Value,
        carried: Option<&Fractions>,
    ) -> Result<RunId, StoreError> {
        self.write(|c| {
            c.execute(
                "INSERT INTO runs (exam, started, state) VALUES (?1, ?2, ?3)",
                params![exam, started.to_string(), state.to_string()],
            )?;
            let run = RunId(c.last_insert_rowid());
            if let Some(carried) = carried {
                c.execute(
                    "INSERT INTO carried (exam, fractions) VALUES (?1, ?2) ON CONFLICT (exam) DO UPDATE SET fractions = ?2",
                    params![exam, carried.to_string()],
                )?;
            }
            Ok(run)
        })
    }

    fn update_run(&mut self, run: RunId, state: &serde_json::Value) -> Result<(), StoreError> {
        self.write(|c| c.execute("UPDATE runs SET state = ?2 WHERE id = ?1", params![run.0, state.to_string()]).map(|_| ()))
    }

    fn finish_run(&mut self, run: RunId, finished: Timestamp, state: &serde_json::Value) -> Result<(), StoreError> {
        self.write(|c| {
            c.execute("UPDATE runs SET state = ?2, finished = ?3 WHERE id = ?1", params![run.0, state.to_string(), finished.to_string()])
                .map(|_| ())
        })
    }

    fn open_run(&self) -> Result<Option<QuizRun>, StoreError> {
        let row = self
            .connection
            .query_row("SELECT id, exam, started, state FROM runs WHERE finished IS NULL ORDER BY id DESC LIMIT 1", [], |row| {
                Ok((row.get(0)?, row.get(1)?, time(row, 2)?, row.get::<_, String>(3)?))
            })
            .optional()
            .map_err(read)?;
        row.map(|(id, exam, started, state)| {
            let state = serde_json::from_str(&state).map_err(|source| StoreError::Row { place: "runs.state", source })?;
            Ok(QuizRun { id: RunId(id), exam, started, finished: None, state })
        })
        .transpose()
    }

    fn carried(&self, exam: &str) -> Result<Option<Fractions>, StoreError> {
        let text: Option<String> = self
            .connection
            .query_row("SELECT fractions FROM carried WHERE exam = ?1", [exam], |row| row.get(0))
            .optional()
            .map_err(read)?;
        text.map(|text| serde_json::from_str(&text).map_err(|source| StoreError::Row { place: "carried.fractions", source })).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(item: &str, earned: u32) -> Attempt {
        let score = |earned| Score { earned: Points(earned), maximum: Points(2) };
        Attempt {
            kind: ItemKind::Question,
            item: item.into(),
            exam: Some("ckad".into()),
            domain: Some("d".into()),
            started: Timestamp::UNIX_EPOCH,
            seconds: 7,
            first: score(0),
            last: score(earned),
            hints: 1,
            assisted: false,
            variant: BTreeMap::from([("fault".into(), "x".into())]),
            seed: Some(u64::MAX),
        }
    }

    #[test]
    fn attempts_come_back_as_they_were_and_the_latest_decides() {
        let mut history = Sqlite::in_memory().unwrap();
        for (item, earned) in [("a", 2), ("b", 2), ("a", 1)] {
            history.record(&sample(item, earned)).unwrap();
        }
        assert_eq!(history.attempts(1).unwrap(), [sample("a", 1)]);
        let seen = history.seen(ItemKind::Question).unwrap();
        assert_eq!(seen["a"], Seen { times: 2, last_full: false });
        assert_eq!(seen["b"], Seen { times: 1, last_full: true });
        assert!(history.seen(ItemKind::Scenario).unwrap().is_empty());
    }

    #[test]
    fn a_run_is_open_until_it_is_finished() {
        let mut history = Sqlite::in_memory().unwrap();
        let run = history.begin_run("cka", Timestamp::UNIX_EPOCH, &json!({"at": 0}), Some(&json!({"d": 1}))).unwrap();
        history.record_answer(&sample("a", 2), run, &json!({"at": 1})).unwrap();
        assert_eq!(history.open_run().unwrap().unwrap().state, json!({"at": 1}));
        assert_eq!(history.carried("cka").unwrap(), Some(json!({"d": 1})));
        history.finish_run(run, Timestamp::UNIX_EPOCH, &json!({"at": 1})).unwrap();
        assert!(history.open_run().unwrap().is_none());
        assert!(history.carried("ckad").unwrap().is_none());
    }

    #[test]
    fn two_writers_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    let mut history = Sqlite::open(path).unwrap();
                    for n in 0..25 {
                        history.record(&sample(&format!("{writer}-{n}"), 1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(Sqlite::open(&path).unwrap().attempts(1000).unwrap().len(), 100);
    }

    #[test]
    fn a_file_of_a_later_version_is_refused_and_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        drop(Sqlite::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Sqlite::open(&path), Err(StoreError::Newer { theirs: 99, .. })));
    }
}
