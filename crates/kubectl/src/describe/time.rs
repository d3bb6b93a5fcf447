//! Times as `describe` writes them.

use jiff::Timestamp;
use serde_json::Value;

/// RFC 1123 with a numeric zone, in UTC.
pub fn rfc1123(value: &Value) -> String {
    match parse(value) {
        Some(time) => time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(),
        // Go's zero time.
        None => "Mon, 01 Jan 0001 00:00:00 +0000".to_owned(),
    }
}

/// The moment in a JSON string.
pub fn parse(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// How long ago a moment was, as kubectl abbreviates it.
pub fn age(text: &str, now: Timestamp) -> String {
    match text.parse::<Timestamp>() {
        Ok(moment) => values::duration::human(now.duration_since(moment).as_secs()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// [`age`] of a JSON value.
pub fn since(value: &Value, now: Timestamp) -> String {
    value.as_str().map_or_else(|| "<unknown>".to_owned(), |text| age(text, now))
}
