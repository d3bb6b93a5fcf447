//! Which clusters are not for practice.

use regex::Regex;

/// What a production cluster is commonly called: `prod`, `production`, `prd` or `live` as a word of its own.
pub const PRODUCTION: &str = r"(?i)(^|[^a-z0-9])(prod|production|prd|live)([^a-z0-9]|[0-9]|$)";

/// A context looks like production.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the context {context:?} looks like production: its {what} is {value:?}")]
pub struct LooksLikeProduction {
    /// The context.
    pub context: String,
    /// What gave it away: `name`, `cluster`, `user`, `server`, `namespace`.
    pub what: &'static str,
    /// Its value.
    pub value: String,
}

/// Everything about a context that has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The context's own name.
    pub context: String,
    /// Its cluster's.
    pub cluster: String,
    /// Its user's.
    pub user: String,
    /// URL of the API server.
    pub server: String,
    /// Its default namespace.
    pub namespace: String,
}

/// Refuses a context of which any name matches `production`.
pub fn refuse_production(names: &Names, production: &Regex) -> Result<(), LooksLikeProduction> {
    let all = [
        ("name", &names.context),
        ("cluster", &names.cluster),
        ("user", &names.user),
        ("server", &names.server),
        ("namespace", &names.namespace),
    ];
    match all.into_iter().find(|(_, value)| production.is_match(value)) {
        Some((what, value)) => Err(LooksLikeProduction { context: names.context.clone(), what, value: value.clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_decide_and_not_parts_of_words() {
        let production = Regex::new(PRODUCTION).expect("a pattern");
        let refused = |value: &str| {
            let names = Names { context: "lab".into(), server: value.into(), ..Names::default() };
            refuse_production(&names, &production).is_err()
        };
        for value in
            ["prod", "eu-prod-1", "PROD.example.com", "https://api.production.example.com:6443", "prd_2", "live", "prod2", "gke_shop_prod"]
        {
            assert!(refused(value), "{value}");
        }
        for value in ["", "kind-dev", "product-team-lab", "reproduce", "delivery", "alive", "olive-1", "https://127.0.0.1:6443"] {
            assert!(!refused(value), "{value}");
        }
    }

    #[test]
    fn the_refusal_says_what_gave_it_away() {
        let names = Names { context: "lab".into(), cluster: "shop-live".into(), ..Names::default() };
        let refusal = refuse_production(&names, &Regex::new(PRODUCTION).expect("a pattern")).expect_err("refused");
        assert_eq!(refusal.to_string(), r#"the context "lab" looks like production: its cluster is "shop-live""#);
    }
}
