//! Deciding typed answers.

use crate::content::question::{Choice, ShortAnswer};
use crate::model::{Points, Rating, Score};

/// Reads chosen options: `b`, `a c`, `a,c`, `ac`, `2`. `None` when it is no such thing.
pub fn chosen(typed: &str, options: usize) -> Option<Vec<usize>> {
    let mut chosen = Vec::new();
    for part in typed.split([' ', ',', ';']).filter(|part| !part.is_empty()) {
        if let Ok(number) = part.parse::<usize>() {
            chosen.push(number.checked_sub(1)?);
        } else {
            for letter in part.chars() {
                let letter = letter.to_ascii_lowercase();
                chosen.push(letter.is_ascii_lowercase().then(|| usize::from(letter as u8 - b'a'))?);
            }
        }
    }
    chosen.sort_unstable();
    chosen.dedup();
    (!chosen.is_empty() && chosen.iter().all(|at| *at < options)).then_some(chosen)
}

/// Whether exactly the right options were chosen.
pub fn choices_are_right(options: &[Choice], chosen: &[usize]) -> bool {
    options.iter().enumerate().all(|(at, option)| option.correct == chosen.contains(&at))
}

/// What the learner's own rating counts for: `hard` is what is graded from 66 % up.
pub fn own_score(rating: Rating) -> Score {
    let earned = match rating {
        Rating::Again => 0,
        Rating::Hard => 2,
        Rating::Good | Rating::Easy => 3,
    };
    Score { earned: Points(earned), maximum: Points(3) }
}

/// The letter of an option.
pub fn letter(at: usize) -> char {
    u8::try_from(at).ok().and_then(|at| b'a'.checked_add(at)).filter(u8::is_ascii_lowercase).map_or('?', char::from)
}

/// Whether a short answer is one of those accepted: runs of white space are one space, case counts only where it was
/// asked for.
pub fn short_is_right(answer: &ShortAnswer, typed: &str) -> bool {
    let plain = |text: &str| {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if answer.case_sensitive { text } else { text.to_lowercase() }
    };
    let typed_plain = plain(typed);
    if answer.accept.iter().any(|accepted| plain(accepted) == typed_plain) {
        return true;
    }
    let Some(pattern) = &answer.pattern else { return false };
    // The linter compiles every pattern, so one that is wrong here matches nothing.
    regex::RegexBuilder::new(&format!("^(?:{pattern})$"))
        .case_insensitive(!answer.case_sensitive)
        .build()
        .is_ok_and(|regex| regex.is_match(typed.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_letters_and_numbers() {
        for (typed, want) in [
            ("b", Some(vec![1])),
            ("C, a", Some(vec![0, 2])),
            ("ac", Some(vec![0, 2])),
            ("1 3", Some(vec![0, 2])),
            ("a a", Some(vec![0])),
            ("e", None),
            ("0", None),
            ("", None),
            ("yes!", None),
        ] {
            assert_eq!(chosen(typed, 4), want, "{typed:?}");
        }
    }

    #[test]
    fn all_right_ones_and_no_other() {
        let option = |correct| Choice { text: String::new(), correct, why: String::new() };
        let options = [option(true), option(false), option(true)];
        assert!(choices_are_right(&options, &[0, 2]));
        assert!(!choices_are_right(&options, &[0]));
        assert!(!choices_are_right(&options, &[0, 1, 2]));
    }

    #[test]
    fn a_rating_of_ones_own_counts_as_its_grade_would() {
        let percent = |rating| own_score(rating).percent();
        assert_eq!(percent(Rating::Again), 0);
        assert!((crate::model::PASS_PERCENT..100).contains(&percent(Rating::Hard)));
        assert_eq!((percent(Rating::Good), percent(Rating::Easy)), (100, 100));
    }

    #[test]
    fn short_answers_forgive_white_space_and_case() {
        let answer = ShortAnswer { accept: vec!["kubectl  top node".into()], pattern: None, case_sensitive: false };
        assert!(short_is_right(&answer, " Kubectl top   node "));
        assert!(!short_is_right(&answer, "kubectl top nodes"));
        let either = ShortAnswer { accept: Vec::new(), pattern: Some("a|b+".into()), case_sensitive: false };
        assert!(short_is_right(&either, "BB") && !short_is_right(&either, "ab"));
        let exact = ShortAnswer { case_sensitive: true, ..answer };
        assert!(!short_is_right(&exact, "Kubectl top node"));
    }
}
