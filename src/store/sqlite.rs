//! The history in an SQLite file.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::history::{Attempt, Details, Fractions, History, Merged, QuizRun, RunId, Seen};
use super::{StoreError, migrations};
use crate::model::{ItemKind, Points, Rating, Score, Tried, Try};

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

/// Columns of an attempt, in the order in which [`attempt`] reads them.
const COLUMNS: &str = "kind, item, exam, domain, started, seconds, first_earned, first_maximum, last_earned, last_maximum,
    hints, assisted, variant, seed, uid, budget, rating, content";

/// What happens to an attempt that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It gets the new outcome.
    Update,
    /// It stays as it is.
    Keep,
}

/// Whether the attempt is new or was changed.
fn insert(connection: &Connection, attempt: &Attempt, details: &Details, run: Option<RunId>, known: Known) -> rusqlite::Result<bool> {
    let conflict = match known {
        Known::Keep => "NOTHING",
        Known::Update => {
            "UPDATE SET seconds = excluded.seconds, last_earned = excluded.last_earned, last_maximum = excluded.last_maximum,
             hints = excluded.hints, assisted = excluded.assisted, rating = excluded.rating"
        }
    };
    let row: Option<i64> = connection
        .prepare_cached(&format!(
            "INSERT INTO attempts ({COLUMNS}, at, run)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)
             ON CONFLICT (uid) DO {conflict} RETURNING id"
        ))?
        .query_row(
            params![
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
                attempt.id,
                attempt.budget_seconds.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX)),
                attempt.rating.map(Rating::number),
                attempt.content,
                attempt.started.as_second(),
                run.map(|run| run.0),
            ],
            |row| row.get(0),
        )
        .optional()?;
    let Some(row) = row else { return Ok(false) };
    if *details != Details::default() {
        connection.prepare_cached("INSERT OR REPLACE INTO details (attempt, bindings, answer, report) VALUES (?1, ?2, ?3, ?4)")?.execute(
            params![
                row,
                serde_json::to_string(&details.bindings).unwrap_or_else(|_| "{}".into()),
                details.answer,
                details.report.as_ref().map(ToString::to_string),
            ],
        )?;
    }
    Ok(true)
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
        id: row.get(14)?,
        budget_seconds: row.get::<_, Option<i64>>(15)?.and_then(|seconds| u64::try_from(seconds).ok()),
        rating: row.get::<_, Option<i64>>(16)?.and_then(Rating::of_number),
        content: row.get(17)?,
    })
}

/// The three columns of details from `first` on; all are null where an attempt has none.
fn details(row: &Row<'_>, first: usize) -> rusqlite::Result<Details> {
    fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
    }
    Ok(Details { bindings: json(row, first)?.unwrap_or_default(), answer: row.get(first + 1)?, report: json(row, first + 2)? })
}

/// One row of [`History::tried`], after kind, item and variant.
fn one_try(row: &Row<'_>) -> rusqlite::Result<Try> {
    let number = |column| Ok::<_, rusqlite::Error>(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0));
    let score = |earned, maximum| Ok::<_, rusqlite::Error>(Score { earned: Points(row.get(earned)?), maximum: Points(row.get(maximum)?) });
    Ok(Try {
        at: row.get(3)?,
        seconds: number(4)?,
        budget: row.get::<_, Option<i64>>(5)?.and_then(|seconds| u64::try_from(seconds).ok()),
        first: score(6, 7)?,
        last: score(8, 9)?,
        hints: row.get(10)?,
        assisted: row.get(11)?,
        own: row.get::<_, Option<i64>>(12)?.and_then(Rating::of_number),
    })
}

impl History for Sqlite {
    fn record(&mut self, attempt: &Attempt, details: &Details) -> Result<(), StoreError> {
        self.write(|c| insert(c, attempt, details, None, Known::Update)).map(|_| ())
    }

    fn record_answer(&mut self, attempt: &Attempt, details: &Details, run: RunId, state: &serde_json::Value) -> Result<(), StoreError> {
        self.write(|c| {
            insert(c, attempt, details, Some(run), Known::Update)?;
            c.execute("UPDATE runs SET state = ?2 WHERE id = ?1", params![run.0, state.to_string()])?;
            Ok(())
        })
    }

    fn attempts(&self, limit: usize) -> Result<Vec<Attempt>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM attempts ORDER BY at DESC, id DESC LIMIT ?1");
        let mut statement = self.connection.prepare_cached(&sql).map_err(read)?;
        let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], attempt).map_err(read)?;
        rows.collect::<Result<_, _>>().map_err(read)
    }

    fn attempts_like(&self, beginning: &str) -> Result<Vec<Attempt>, StoreError> {
        // Ids are hexadecimal: `g` comes after everything that begins alike.
        let sql = format!("SELECT {COLUMNS} FROM attempts WHERE uid >= ?1 AND uid < ?1 || 'g' ORDER BY at DESC, id DESC LIMIT 5");
        let mut statement = self.connection.prepare_cached(&sql).map_err(read)?;
        let rows = statement.query_map([beginning], attempt).map_err(read)?;
        rows.collect::<Result<_, _>>().map_err(read)
    }

    fn details(&self, id: &str) -> Result<Details, StoreError> {
        let sql = "SELECT d.bindings, d.answer, d.report FROM attempts a JOIN details d ON d.attempt = a.id WHERE a.uid = ?1";
        let row = self.connection.query_row(sql, [id], |row| details(row, 0)).optional().map_err(read)?;
        Ok(row.unwrap_or_default())
    }

    fn latest_exam(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT exam FROM attempts WHERE exam IS NOT NULL ORDER BY at DESC LIMIT 1";
        self.connection.query_row(sql, [], |row| row.get(0)).optional().map_err(read)
    }

    fn tried(&self) -> Result<Vec<Tried>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT kind, item, variant, at, seconds, budget, first_earned, first_maximum, last_earned, last_maximum, hints, assisted,
                 rating FROM attempts ORDER BY kind, item, at",
            )
            .map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        let mut tried: Vec<Tried> = Vec::new();
        // Where the variants of the present item begin in `tried`.
        let mut of_item = 0;
        while let Some(row) = rows.next().map_err(read)? {
            let text = |column| row.get_ref(column).and_then(|value| value.as_str().map_err(Into::into)).map_err(read);
            let (kind, item) = (if text(0)? == "scenario" { ItemKind::Scenario } else { ItemKind::Question }, text(1)?);
            let variant = if kind == ItemKind::Scenario { text(2)? } else { "" };
            if tried.last().is_none_or(|last| last.kind != kind || last.item != item) {
                of_item = tried.len();
            }
            let one = one_try(row).map_err(read)?;
            match tried[of_item..].iter_mut().find(|t| t.variant == variant) {
                Some(known) => known.tries.push(one),
                None => tried.push(Tried { kind, item: item.to_owned(), variant: variant.to_owned(), tries: vec![one] }),
            }
        }
        Ok(tried)
    }

    fn each(&self, each: &mut dyn FnMut(Attempt, Details) -> std::io::Result<()>) -> Result<std::io::Result<()>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS}, d.bindings, d.answer, d.report FROM attempts a LEFT JOIN details d ON d.attempt = a.id ORDER BY at, id"
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(read)?;
        let mut rows = statement.query([]).map_err(read)?;
        while let Some(row) = rows.next().map_err(read)? {
            let (attempt, details) = (attempt(row).map_err(read)?, details(row, 18).map_err(read)?);
            if let Err(error) = each(attempt, details) {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    fn merge(&mut self, attempts: &[(Attempt, Details)]) -> Result<Merged, StoreError> {
        self.write(|c| {
            let mut merged = Merged::default();
            for (attempt, details) in attempts {
                if insert(c, attempt, details, None, Known::Keep)? {
                    merged.new += 1;
                } else {
                    merged.known += 1;
                }
            }
            Ok(merged)
        })
    }

    fn seen(&self, kind: ItemKind) -> Result<BTreeMap<String, Seen>, StoreError> {
        // A bare column beside MAX() is of the row that has the maximum (SQLite, "Bare columns in an aggregate query"). Of two in one second
        // the one that was written later is the later one.
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT item, COUNT(*), last_maximum > 0 AND last_earned >= last_maximum, MAX(at * 4294967296 + rowid) FROM attempts WHERE kind = ?1 GROUP BY item",
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
            .prepare_cached("SELECT variant FROM attempts WHERE kind = 'scenario' AND item = ?1 ORDER BY at DESC, id DESC")
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

    fn sample(item: &str, second: i64, earned: u32) -> Attempt {
        let score = |earned| Score { earned: Points(earned), maximum: Points(2) };
        let attempt = Attempt {
            id: String::new(),
            kind: ItemKind::Question,
            item: item.into(),
            exam: Some("ckad".into()),
            domain: Some("d".into()),
            started: Timestamp::from_second(second).unwrap(),
            seconds: 7,
            budget_seconds: Some(120),
            first: score(0),
            last: score(earned),
            hints: 1,
            assisted: false,
            variant: BTreeMap::from([("fault".into(), "x".into())]),
            seed: Some(u64::MAX),
            rating: Some(Rating::Hard),
            content: Some("0123".into()),
        };
        Attempt { id: attempt.identity(), ..attempt }
    }

    fn record(history: &mut Sqlite, attempt: &Attempt) {
        history.record(attempt, &Details::default()).unwrap();
    }

    #[test]
    fn attempts_come_back_as_they_were_and_the_latest_decides() {
        let mut history = Sqlite::in_memory().unwrap();
        // Recorded in another order than they happened, as after a merge.
        for (item, second, earned) in [("a", 9, 1), ("b", 2, 2), ("a", 1, 2)] {
            record(&mut history, &sample(item, second, earned));
        }
        assert_eq!(history.attempts(1).unwrap(), [sample("a", 9, 1)]);
        let seen = history.seen(ItemKind::Question).unwrap();
        assert_eq!(seen["a"], Seen { times: 2, last_full: false });
        assert_eq!(seen["b"], Seen { times: 1, last_full: true });
        assert!(history.seen(ItemKind::Scenario).unwrap().is_empty());
        let tried = history.tried().unwrap();
        assert_eq!(tried.iter().map(|t| (t.item.as_str(), t.tries.len())).collect::<Vec<_>>(), [("a", 2), ("b", 1)]);
        assert_eq!((tried[0].tries[0].at, tried[0].tries[1].last.earned), (1, Points(1)));
        assert_eq!(history.latest_exam().unwrap().as_deref(), Some("ckad"));
    }

    #[test]
    fn an_attempt_is_found_by_the_beginning_of_its_id_with_its_details() {
        let mut history = Sqlite::in_memory().unwrap();
        let (attempt, report) = (sample("a", 1, 2), Some(json!({"checks": []})));
        let details = Details { bindings: [("n".to_owned(), json!(3))].into(), answer: Some("b".into()), report };
        history.record(&attempt, &details).unwrap();
        record(&mut history, &sample("b", 1, 2));
        assert_eq!(history.attempts_like(&attempt.id[..9]).unwrap(), std::slice::from_ref(&attempt));
        assert_eq!(history.attempts_like("").unwrap().len(), 2);
        assert_eq!(history.details(&attempt.id).unwrap(), details);
        // A second answer changes the outcome, not the number of attempts.
        history.record(&Attempt { last: attempt.first, ..attempt.clone() }, &details).unwrap();
        let again = history.attempts_like(&attempt.id).unwrap();
        assert_eq!((again.len(), again[0].last), (1, attempt.first));
    }

    #[test]
    fn merging_twice_changes_nothing() {
        let (mut here, mut there) = (Sqlite::in_memory().unwrap(), Sqlite::in_memory().unwrap());
        record(&mut here, &sample("a", 1, 2));
        for second in [1, 2] {
            record(&mut there, &sample("a", second, 1));
        }
        let mut records = Vec::new();
        let mut keep = |attempt, details| {
            records.push((attempt, details));
            Ok(())
        };
        there.each(&mut keep).unwrap().unwrap();
        assert_eq!(here.merge(&records).unwrap(), Merged { new: 1, known: 1 });
        assert_eq!(here.merge(&records).unwrap(), Merged { new: 0, known: 2 });
        assert_eq!(here.attempts(9).unwrap(), [sample("a", 2, 1), sample("a", 1, 2)], "what was here stays as it was");
    }

    #[test]
    fn a_run_is_open_until_it_is_finished() {
        let mut history = Sqlite::in_memory().unwrap();
        let run = history.begin_run("cka", Timestamp::UNIX_EPOCH, &json!({"at": 0}), Some(&json!({"d": 1}))).unwrap();
        history.record_answer(&sample("a", 1, 2), &Details::default(), run, &json!({"at": 1})).unwrap();
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
                        record(&mut history, &sample(&format!("{writer}-{n}"), n, 1));
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
