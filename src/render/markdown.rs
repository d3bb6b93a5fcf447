//! The little Markdown that tasks, prompts and debriefs use, for a terminal: headings, paragraphs, lists, quotes, code,
//! `code` and **bold** in a line. Anything else is shown as written.

use super::style::Style;
use super::wrap::wrap;

/// Renders for a terminal of `width` columns.
pub fn render(text: &str, style: Style, width: usize) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut prefix = (String::new(), String::new());
    let mut fence: Option<usize> = None;
    let flush = |out: &mut String, paragraph: &mut String, prefix: &mut (String, String)| {
        if !paragraph.trim().is_empty() {
            out.push_str(&wrap(&inline(paragraph, style), width, &prefix.0, &prefix.1));
        }
        paragraph.clear();
        *prefix = (String::new(), String::new());
    };
    for line in text.trim_end().lines() {
        let bare = line.trim_start();
        let indent = line.len() - bare.len();
        if let Some(start) = fence {
            if bare.starts_with("```") {
                fence = None;
            } else {
                out.push_str(&format!("    {}\n", style.code(line.get(start.min(indent)..).unwrap_or(bare))));
            }
        } else if bare.starts_with("```") {
            flush(&mut out, &mut paragraph, &mut prefix);
            fence = Some(indent);
        } else if bare.is_empty() {
            flush(&mut out, &mut paragraph, &mut prefix);
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
        } else if let Some(heading) = heading(bare) {
            flush(&mut out, &mut paragraph, &mut prefix);
            out.push_str(&style.title(heading));
            out.push('\n');
        } else if let Some((marker, rest)) = item(bare) {
            flush(&mut out, &mut paragraph, &mut prefix);
            let pad = " ".repeat(indent);
            prefix = (format!("{pad}{marker} "), format!("{pad}{} ", " ".repeat(marker.len())));
            paragraph.push_str(rest);
        } else if let Some(quoted) = bare.strip_prefix("> ") {
            if prefix.0 != "  | " {
                flush(&mut out, &mut paragraph, &mut prefix);
                prefix = ("  | ".into(), "  | ".into());
            }
            paragraph.push(' ');
            paragraph.push_str(quoted);
        } else {
            paragraph.push(' ');
            paragraph.push_str(bare);
        }
    }
    flush(&mut out, &mut paragraph, &mut prefix);
    out
}

fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    (rest.len() < line.len()).then(|| rest.strip_prefix(' ')).flatten()
}

/// `- text`, `* text`, `1. text`.
fn item(line: &str) -> Option<(&str, &str)> {
    for bullet in ["- ", "* "] {
        if let Some(rest) = line.strip_prefix(bullet) {
            return Some(("-", rest));
        }
    }
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..)?.strip_prefix(". ")?;
    (digits > 0).then(|| (&line[..=digits], rest))
}

/// `code` and **bold**. Code keeps its backquotes without colour: it must still be seen as something to type.
pub fn inline(text: &str, style: Style) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let code = rest.find('`');
        let bold = rest.find("**");
        match (code, bold) {
            (Some(at), b) if b.is_none_or(|b| at < b) => {
                let Some(end) = rest[at + 1..].find('`') else { break };
                out.push_str(&rest[..at]);
                let inner = &rest[at + 1..at + 1 + end];
                // Every word on its own: the wrapper breaks between them and must not break a colour.
                let painted: Vec<String> = inner.split(' ').map(|word| style.code(word)).collect();
                if style == Style::new(false) {
                    out.push_str(&format!("`{inner}`"));
                } else {
                    out.push_str(&painted.join(" "));
                }
                rest = &rest[at + 2 + end..];
            }
            (_, Some(at)) => {
                let Some(end) = rest[at + 2..].find("**") else { break };
                out.push_str(&rest[..at]);
                let words: Vec<String> = rest[at + 2..at + 2 + end].split(' ').map(|word| style.title(word)).collect();
                out.push_str(&words.join(" "));
                rest = &rest[at + 4 + end..];
            }
            _ => break,
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_spans() {
        let text = "# Task\n\nBring **node two** back\nwith `kubectl get nodes`.\n\n1. It is Ready\n2. It stays so for a while and longer\n\n```\nkubectl  get\n```\n";
        insta::assert_snapshot!(render(text, Style::new(false), 30), @r"
        Task

        Bring node two back with
        `kubectl get nodes`.

        1. It is Ready
        2. It stays so for a while and
           longer

            kubectl  get
        ");
    }

    #[test]
    fn what_is_not_closed_is_shown_as_written() {
        assert_eq!(render("a ` b ** c", Style::new(false), 80), "a ` b ** c\n");
    }
}
