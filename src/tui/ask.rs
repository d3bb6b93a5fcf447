//! Asking the user to choose.

use std::io::{self, BufRead, Write};

/// One possible answer.
#[derive(Clone, Copy, Debug)]
pub struct Choice<T> {
    /// Letter to type.
    pub key: char,
    /// What it does.
    pub text: &'static str,
    /// What it means.
    pub value: T,
}

/// Asks until the answer is one of the choices; the first is the default, also at the end of input.
pub fn choose<T: Copy>(question: &str, choices: &[Choice<T>], input: &mut dyn BufRead, output: &mut dyn Write) -> io::Result<T> {
    let Some(default) = choices.first() else { return Err(io::ErrorKind::InvalidInput.into()) };
    let list: Vec<String> = choices.iter().map(|c| format!("[{}] {}", c.key, c.text)).collect();
    loop {
        write!(output, "{question} {} ({}): ", list.join("  "), default.key)?;
        output.flush()?;
        let mut answer = String::new();
        if input.read_line(&mut answer)? == 0 {
            writeln!(output)?;
            return Ok(default.value);
        }
        let answer = answer.trim().to_lowercase();
        if answer.is_empty() {
            return Ok(default.value);
        }
        let fits = |c: &&Choice<T>| answer == c.key.to_string() || c.text.starts_with(&answer);
        if let Some(choice) = choices.iter().find(fits) {
            return Ok(choice.value);
        }
        writeln!(output, "Please answer with one of the letters.")?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_words_and_nothing() {
        let choices = [Choice { key: 'c', text: "continue", value: 1 }, Choice { key: 's', text: "stop", value: 2 }];
        for (typed, want) in [("s\n", 2), ("stop\n", 2), ("\n", 1), ("", 1), ("what\nC\n", 1)] {
            let got = choose("Leave?", &choices, &mut typed.as_bytes(), &mut Vec::new()).unwrap();
            assert_eq!(got, want, "{typed:?}");
        }
    }
}
