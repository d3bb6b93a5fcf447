//! Which entries, and how they are printed.

use jiff::Timestamp;

use super::entry::{Entry, Priority};

/// What `journalctl`'s options ask for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `-u`: full names of units, any of them.
    pub units: Vec<String>,
    /// `-t`: identifiers, any of them.
    pub identifiers: Vec<String>,
    /// `-p`: this and more important.
    pub priority: Option<Priority>,
    /// `-k`: the kernel's only.
    pub kernel: bool,
    /// `--since`
    pub since: Option<Timestamp>,
    /// `--until`
    pub until: Option<Timestamp>,
    /// `_PID=`
    pub pid: Option<u32>,
    /// `-g`: text in the message; letter case counts only if the text has capitals.
    pub grep: Option<String>,
}

impl Query {
    /// Whether an entry is asked for.
    pub fn matches(&self, entry: &Entry) -> bool {
        let any =
            |wanted: &[String], value: Option<&str>| wanted.is_empty() || value.is_some_and(|value| wanted.iter().any(|w| w == value));
        any(&self.units, entry.unit.as_deref())
            && any(&self.identifiers, Some(&entry.identifier))
            && self.priority.is_none_or(|priority| entry.priority <= priority)
            && (!self.kernel || &*entry.identifier == "kernel")
            && self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time <= until)
            && self.pid.is_none_or(|pid| entry.pid == Some(pid))
            && self.grep.as_ref().is_none_or(|text| {
                if text.chars().any(char::is_uppercase) {
                    entry.message.contains(text.as_str())
                } else {
                    entry.message.to_lowercase().contains(text.as_str())
                }
            })
    }
}

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format {
    #[default]
    Short,
    ShortIso,
    ShortPrecise,
    Cat,
    Json,
    JsonPretty,
}

impl Format {
    /// Reads the name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "short" => Self::Short,
            "short-iso" => Self::ShortIso,
            "short-precise" => Self::ShortPrecise,
            "cat" => Self::Cat,
            "json" => Self::Json,
            "json-pretty" => Self::JsonPretty,
            _ => return None,
        })
    }

    /// One entry without the newline.
    pub fn print(self, entry: &Entry, host: &str) -> String {
        let with = |stamp: String| {
            let short = entry.short(host);
            let plain = entry.time.strftime("%b %d %H:%M:%S").to_string();
            short.replacen(&plain, &stamp, 1)
        };
        match self {
            Self::Short => entry.short(host),
            Self::ShortIso => with(entry.time.strftime("%Y-%m-%dT%H:%M:%S+0000").to_string()),
            Self::ShortPrecise => with(entry.time.strftime("%b %d %H:%M:%S%.6f").to_string()),
            Self::Cat => entry.message.to_string(),
            Self::Json | Self::JsonPretty => {
                let mut fields = serde_json::Map::new();
                let micros = entry.time.as_microsecond().to_string();
                fields.insert("__REALTIME_TIMESTAMP".to_owned(), micros.into());
                fields.insert("_HOSTNAME".to_owned(), host.into());
                fields.insert("PRIORITY".to_owned(), (entry.priority as u8).to_string().into());
                fields.insert("SYSLOG_IDENTIFIER".to_owned(), (*entry.identifier).into());
                if let Some(pid) = entry.pid {
                    fields.insert("_PID".to_owned(), pid.to_string().into());
                }
                if let Some(unit) = &entry.unit {
                    let field = if &*entry.identifier == "systemd" { "UNIT" } else { "_SYSTEMD_UNIT" };
                    fields.insert(field.to_owned(), (**unit).into());
                }
                fields.insert("MESSAGE".to_owned(), (*entry.message).into());
                let value = serde_json::Value::Object(fields);
                if self == Self::Json { value.to_string() } else { format!("{value:#}") }
            }
        }
    }
}
