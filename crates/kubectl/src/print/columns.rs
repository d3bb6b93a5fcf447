//! `-o custom-columns=NAME:.path,…`.

use serde_json::Value;

use crate::print::jsonpath::{Template, text_of};
use crate::print::tabwriter;

/// The columns of a specification.
pub struct Columns(Vec<(String, Template)>);

impl Columns {
    /// Parses `HEADER:path,…`.
    pub fn parse(spec: &str) -> Result<Self, String> {
        if spec.is_empty() {
            return Err("custom-columns format specified but no custom columns given".to_owned());
        }
        let mut columns = Vec::new();
        for part in spec.split(',') {
            let Some((header, path)) = part.split_once(':') else {
                return Err(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"));
            };
            columns.push((header.to_owned(), Template::relaxed(path)?));
        }
        Ok(Self(columns))
    }

    /// Parses a file with a line of headers above a line of paths.
    pub fn parse_file(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let headers: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
        let paths: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
        if headers.len() != paths.len() || headers.is_empty() {
            return Err(format!("number of headers ({}) and field specifications ({}) don't match", headers.len(), paths.len()));
        }
        let columns = headers.into_iter().zip(paths).map(|(h, p)| Ok((h.to_owned(), Template::relaxed(p)?)));
        Ok(Self(columns.collect::<Result<_, String>>()?))
    }

    /// Rows for the objects, below a header unless it is not wanted.
    pub fn render(&self, objects: &[&Value], headers: bool) -> Result<String, String> {
        let mut text = String::new();
        if headers {
            text.push_str(&self.0.iter().map(|(h, _)| h.as_str()).collect::<Vec<_>>().join("\t"));
            text.push('\n');
        }
        for object in objects {
            let mut cells = Vec::new();
            for (_, template) in &self.0 {
                let found: Vec<String> = template.find(object, true)?.into_iter().filter(|v| !v.is_null()).map(text_of).collect();
                cells.push(if found.is_empty() { "<none>".to_owned() } else { found.join(",") });
            }
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
        Ok(tabwriter::align(&text, 6, 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows() {
        let columns = Columns::parse("NAME:.metadata.name,IMAGES:spec.containers[*].image").unwrap();
        let a = json!({"metadata": {"name": "web"}, "spec": {"containers": [{"image": "a"}, {"image": "b"}]}});
        let b = json!({"metadata": {"name": "x"}});
        assert_eq!(columns.render(&[&a, &b], true).unwrap(), "NAME   IMAGES\nweb    a,b\nx      <none>\n");
    }
}
