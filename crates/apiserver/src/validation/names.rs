//! Formats of names, labels, ports and addresses, with the texts of apimachinery's `util/validation`.

use std::net::IpAddr;

/// What is wrong with a value; empty when it is fine.
pub type Messages = Vec<String>;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";

/// `message (e.g. 'a',  or 'b', regex used for validation is '…')` (`RegexError`).
fn regex_error(message: &str, pattern: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{message} (regex used for validation is '{pattern}')");
    }
    let examples: String = examples.iter().map(|e| format!("'{e}', ")).collect::<Vec<_>>().join(" or ");
    format!("{message} (e.g. {examples}regex used for validation is '{pattern}')")
}

fn too_long(max: usize) -> String {
    format!("must be no more than {max} characters")
}

/// Text of a number outside its range.
pub fn range_error(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

fn lower(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// First and last characters meet `edge`, all of them `edge` or `inner`; not empty.
fn shaped(text: &str, edge: fn(u8) -> bool, inner: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    edge(*first) && edge(*last) && bytes.iter().all(|b| edge(*b) || inner.contains(b))
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|part| shaped(part, lower, b"-"))
}

/// DNS-1123 label: names of namespaces, containers, volumes, …
pub fn dns_label(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 63 {
        messages.push(too_long(63));
    }
    if !shaped(text, lower, b"-") {
        messages.push(if is_subdomain(text) {
            // A subdomain where a label is wanted gets a hint of its own.
            "must not contain dots".to_owned()
        } else {
            regex_error(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LABEL,
                &["my-name", "123-abc"],
            )
        });
    }
    messages
}

/// DNS-1123 subdomain: most objects' names.
pub fn dns_subdomain(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 253 {
        messages.push(too_long(253));
    }
    if !is_subdomain(text) {
        messages.push(regex_error(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
            SUBDOMAIN,
            &["example.com"],
        ));
    }
    messages
}

/// DNS-1035 label: names of Services before relaxed validation.
pub fn dns1035_label(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 63 {
        messages.push(too_long(63));
    }
    if !(shaped(text, lower, b"-") && text.as_bytes()[0].is_ascii_lowercase()) {
        messages.push(regex_error(
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
            "[a-z]([-a-z0-9]*[a-z0-9])?",
            &["my-name", "abc-123"],
        ));
    }
    messages
}

/// `*.example.com`: hosts of ingress rules.
pub fn wildcard_subdomain(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 253 {
        messages.push(too_long(253));
    }
    if !text.strip_prefix("*.").is_some_and(is_subdomain) {
        messages.push(regex_error(
            "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
            &format!(r"\*\.{SUBDOMAIN}"),
            &["*.example.com"],
        ));
    }
    messages
}

/// Label keys, finalizers, resource names: `prefix/name`.
pub fn qualified_name(text: &str) -> Messages {
    const RULE: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    const EXAMPLES: [&str; 3] = ["MyName", "my.name", "123-abc"];
    let mut messages = Messages::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                messages.push("prefix part must be non-empty".to_owned());
            } else {
                messages.extend(dns_subdomain(prefix).into_iter().map(|m| format!("prefix part {m}")));
            }
            name
        }
        _ => {
            let rule = regex_error(&format!("a qualified name {RULE}"), QUALIFIED, &EXAMPLES);
            messages.push(format!("{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"));
            return messages;
        }
    };
    if name.is_empty() {
        messages.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        messages.push(format!("name part {}", too_long(63)));
    }
    if !shaped(name, |b| b.is_ascii_alphanumeric(), b"-_.") {
        messages.push(format!("name part {}", regex_error(RULE, QUALIFIED, &EXAMPLES)));
    }
    messages
}

/// Label values.
pub fn label_value(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 63 {
        messages.push(too_long(63));
    }
    if !text.is_empty() && !shaped(text, |b| b.is_ascii_alphanumeric(), b"-_.") {
        messages.push(regex_error(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
            LABEL_VALUE,
            &["MyValue", "my_value", "12345"],
        ));
    }
    messages
}

/// Keys of ConfigMaps and Secrets.
pub fn config_key(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 253 {
        messages.push(too_long(253));
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
        messages.push(regex_error(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
            "[-._a-zA-Z0-9]+",
            &["key.name", "KEY_NAME", "key-name"],
        ));
    }
    messages.extend(dotted(text));
    messages
}

fn dotted(text: &str) -> Option<String> {
    match text {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        text if text.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    }
}

/// Names of environment variables, as relaxed since 1.34: printable ASCII without `=`.
pub fn env_name(text: &str) -> Messages {
    if text.is_empty() {
        return vec!["environment variable name must be non-empty".to_owned()];
    }
    if !text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'=') {
        return vec!["a valid environment variable name must consist only of printable ASCII characters other than '='".to_owned()];
    }
    Messages::new()
}

/// Names of ports in containers and services' targets (`IsValidPortName`).
pub fn port_name(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > 15 {
        messages.push(too_long(15));
    }
    if !text.bytes().all(|b| lower(b) || b == b'-') {
        messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        messages.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        messages.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        messages.push("must not begin or end with a hyphen".to_owned());
    }
    messages
}

/// Port numbers.
pub fn port_number(port: i64) -> Messages {
    if (1..=65535).contains(&port) { Messages::new() } else { vec![range_error(1, 65535)] }
}

/// User and group ids.
pub fn unix_id(id: i64) -> Messages {
    if (0..=i64::from(i32::MAX)).contains(&id) { Messages::new() } else { vec![range_error(0, i64::from(i32::MAX))] }
}

/// IP addresses; leading zeros are refused as Go's strict parser does.
pub fn ip(text: &str) -> Messages {
    if text.parse::<IpAddr>().is_ok() {
        Messages::new()
    } else {
        vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()]
    }
}

/// CIDR blocks.
pub fn cidr(text: &str) -> Messages {
    if parse_cidr(text).is_some() {
        Messages::new()
    } else {
        vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()]
    }
}

/// Address and prefix length of a CIDR block.
pub fn parse_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let (address, length) = (address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?);
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

/// Path segments: names of RBAC objects may hold nearly anything (`path.IsValidPathSegmentName`).
pub fn path_segment(text: &str) -> Messages {
    match text {
        "." => return vec!["may not be '.'".to_owned()],
        ".." => return vec!["may not be '..'".to_owned()],
        _ => {}
    }
    ["/", "%"].iter().filter(|bad| text.contains(**bad)).map(|bad| format!("may not contain '{bad}'")).collect()
}

/// HTTP header names.
pub fn header_name(text: &str) -> Messages {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Messages::new();
    }
    vec![regex_error("a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// `25%`.
pub fn percent(text: &str) -> Messages {
    let digits = text.strip_suffix('%');
    if digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit())) {
        return Messages::new();
    }
    vec![regex_error("a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", &["1%", "93%"])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_with_upstreams_texts() {
        type Rule = fn(&str) -> Messages;
        let cases: [(Rule, &str, &str); 14] = [
            (dns_subdomain, "web-1.example", ""),
            (
                dns_subdomain,
                "Web",
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ),
            (dns_label, "a-b", ""),
            (
                dns_label,
                "a_b",
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ),
            (dns_label, "a.b", "must not contain dots"),
            (qualified_name, "example.com/Key_1", ""),
            (qualified_name, "/x", "prefix part must be non-empty"),
            (
                qualified_name,
                "-x",
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
            ),
            (label_value, "", ""),
            (
                label_value,
                "a b",
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
            ),
            (port_name, "http", ""),
            (port_name, "a--b", "must not contain consecutive hyphens"),
            (ip, "10.0.0.256", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
            (path_segment, "system:a/b", "may not contain '/'"),
        ];
        for (rule, value, want) in cases {
            assert_eq!(rule(value).join("; "), want, "{value}");
        }
    }
}
