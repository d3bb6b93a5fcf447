//! Suggestions by likeness for what was mistyped.

/// The known names that look like `given`, the most alike first, at most three.
pub fn like<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let given = given.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let close = strsim::jaro_winkler(&given, &name);
        // People leave out words more often than letters.
        let part = given.len() >= 3 && (name.contains(&given) || given.contains(&name));
        if part { close.max(0.9) } else { close }
    };
    let mut scored: Vec<(f64, &str)> = known.into_iter().map(|name| (likeness(name), name)).filter(|(score, _)| *score >= 0.8).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// The next step after a mistyped name.
pub fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match like(given, known).as_slice() {
        [] => otherwise.to_owned(),
        [one] => format!("did you mean `{one}`? {otherwise}"),
        several => {
            let names: Vec<String> = several.iter().map(|name| format!("`{name}`")).collect();
            format!("did you mean {}? {otherwise}", names.join(" or "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_finds_slips_and_left_out_words_and_nothing_else() {
        let known = ["unhealthy-node", "crash-loop", "pending-claim"];
        for (given, want) in
            [("unhealty-node", &["unhealthy-node"][..]), ("node", &["unhealthy-node"]), ("Crashloop", &["crash-loop"]), ("zzz", &[])]
        {
            assert_eq!(like(given, known), want, "{given}");
        }
        assert_eq!(did_you_mean("zzz", known, "See `ckaprep list`."), "See `ckaprep list`.");
    }
}
