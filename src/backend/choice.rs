//! Which backend: the one type that everything else asks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a cluster comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Inside this program.
    #[default]
    Embedded,
    /// Containers on this machine, made by kind.
    Kind,
    /// A cluster that the user names.
    Existing,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Embedded, Self::Kind, Self::Existing];

    /// Its name on command lines and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kind => "kind",
            Self::Existing => "existing",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Backend {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|b| b.as_str() == text).ok_or_else(|| format!("there is no backend {text:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Backend;

    #[test]
    fn names_lead_back() {
        for backend in Backend::ALL {
            assert_eq!(backend.as_str().parse(), Ok(backend));
        }
        assert!("k3s".parse::<Backend>().is_err());
    }
}
