//! nginx's configuration language: directives with arguments, blocks, includes.

/// A directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) name: String,
    pub(super) args: Vec<String>,
    /// Directives inside its braces.
    pub(super) block: Option<Vec<Directive>>,
    pub(super) file: String,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Open,
    Close,
    End,
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut quoted = false;
    let mut line = 1;
    let mut chars = text.chars().peekable();
    let flush = |out: &mut Vec<(Token, usize)>, word: &mut String, quoted: &mut bool, line| {
        if !word.is_empty() || *quoted {
            out.push((Token::Word(std::mem::take(word)), line));
            *quoted = false;
        }
    };
    while let Some(c) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        match (c, quote) {
            ('\\', _) => word.extend(chars.next()),
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('"' | '\'', None) if word.is_empty() => {
                quote = Some(c);
                quoted = true;
            }
            ('#', None) if word.is_empty() => while chars.next_if(|c| *c != '\n').is_some() {},
            (c, None) if c.is_whitespace() => flush(&mut out, &mut word, &mut quoted, line - usize::from(c == '\n')),
            (';', None) => {
                flush(&mut out, &mut word, &mut quoted, line);
                out.push((Token::End, line));
            }
            // `${name}` is part of a word.
            ('{', None) if word.ends_with('$') => {
                word.push(c);
                word.extend(std::iter::from_fn(|| chars.next_if(|c| *c != '}')));
            }
            ('{', None) => {
                flush(&mut out, &mut word, &mut quoted, line);
                out.push((Token::Open, line));
            }
            ('}', None) if !word.contains("${") => {
                flush(&mut out, &mut word, &mut quoted, line);
                out.push((Token::Close, line));
            }
            (c, None) => word.push(c),
        }
    }
    flush(&mut out, &mut word, &mut quoted, line);
    out
}

/// Reads a file. Errors are what follows `[emerg] `, without the prefix of the process.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Directive>, String> {
    let tokens = tokens(text);
    let mut at = 0;
    let directives = block(file, &tokens, &mut at, false, text)?;
    Ok(directives)
}

fn block(file: &str, tokens: &[(Token, usize)], at: &mut usize, inside: bool, text: &str) -> Result<Vec<Directive>, String> {
    let mut directives = Vec::new();
    let last = text.lines().count().max(1);
    loop {
        let mut words: Vec<(String, usize)> = Vec::new();
        loop {
            let Some((token, line)) = tokens.get(*at) else {
                if !words.is_empty() {
                    return Err(format!("unexpected end of file, expecting \";\" or \"}}\" in {file}:{last}"));
                }
                if inside {
                    return Err(format!("unexpected end of file, expecting \"}}\" in {file}:{last}"));
                }
                return Ok(directives);
            };
            *at += 1;
            match token {
                Token::Word(word) => words.push((word.clone(), *line)),
                Token::End if words.is_empty() => return Err(format!("unexpected \";\" in {file}:{line}")),
                Token::End => {
                    directives.push(directive(file, words, None));
                    break;
                }
                Token::Open if words.is_empty() => return Err(format!("unexpected \"{{\" in {file}:{line}")),
                Token::Open => {
                    let inner = block(file, tokens, at, true, text)?;
                    directives.push(directive(file, words, Some(inner)));
                    break;
                }
                Token::Close if !words.is_empty() => {
                    let name = &words[0].0;
                    return Err(format!("directive \"{name}\" is not terminated by \";\" in {file}:{line}"));
                }
                Token::Close if inside => return Ok(directives),
                Token::Close => return Err(format!("unexpected \"}}\" in {file}:{line}")),
            }
        }
    }
}

fn directive(file: &str, words: Vec<(String, usize)>, block: Option<Vec<Directive>>) -> Directive {
    let line = words.last().map_or(0, |(_, line)| *line);
    let mut words = words.into_iter().map(|(word, _)| word);
    Directive { name: words.next().unwrap_or_default(), args: words.collect(), block, file: file.to_owned(), line }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn blocks_and_quotes_are_read() {
        let directives = parse("x", "# c\nserver {\n  listen 80;\n  return 200 \"a;b\";\n}\n").expect("valid");
        let server = directives[0].block.as_ref().expect("a block");
        assert_eq!((server[0].args.join(" "), server[1].args.join("|")), ("80".into(), "200|a;b".into()));
    }

    #[test]
    fn errors_name_file_and_line() {
        for (text, expected) in [
            ("server {\n  listen 80\n}\n", "directive \"listen\" is not terminated by \";\" in f:3"),
            ("server {\n  listen 80;\n", "unexpected end of file, expecting \"}\" in f:2"),
            ("}\n", "unexpected \"}\" in f:1"),
        ] {
            assert_eq!(parse("f", text).expect_err(text), expected);
        }
    }
}
