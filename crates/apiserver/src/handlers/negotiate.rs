//! The `Accept` header: JSON, tables and metadata only. Protobuf is not offered.

use http::HeaderMap;

use crate::status::ApiError;

/// What the client wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The object as it is.
    Object,
    /// The object as YAML.
    Yaml,
    /// A `Table`.
    Table,
    /// `PartialObjectMetadata` (or its list).
    Partial,
}

const AVAILABLE: [&str; 2] = ["application/json", "application/yaml"];

/// Chooses the first acceptable format. A client that also takes JSON gets JSON.
pub fn format(headers: &HeaderMap, listing: bool) -> Result<Format, ApiError> {
    let texts: Vec<&str> = headers.get_all(http::header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut seen = false;
    for clause in texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|clause| !clause.is_empty()) {
        seen = true;
        if let Some(format) = clause_format(clause, listing) {
            return Ok(format);
        }
    }
    if seen { Err(ApiError::not_acceptable(&AVAILABLE)) } else { Ok(Format::Object) }
}

fn clause_format(clause: &str, listing: bool) -> Option<Format> {
    let mut parts = clause.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let (mut kind, mut group, mut version) = ("", "", "");
    for parameter in parts {
        match parameter.split_once('=').unwrap_or((parameter, "")) {
            ("as", value) => kind = value,
            ("g", value) => group = value,
            ("v", value) => version = value,
            _ => {}
        }
    }
    match media.as_str() {
        "application/json" | "application/*" | "*/*" => {}
        "application/yaml" if kind.is_empty() => return Some(Format::Yaml),
        _ => return None,
    }
    match (kind, group, version) {
        ("", _, _) => Some(Format::Object),
        ("Table", "meta.k8s.io", "v1" | "v1beta1") => Some(Format::Table),
        ("PartialObjectMetadata", "meta.k8s.io", "v1") if !listing => Some(Format::Partial),
        ("PartialObjectMetadataList", "meta.k8s.io", "v1") if listing => Some(Format::Partial),
        // Watches of metadata ask for the single kind.
        ("PartialObjectMetadata", "meta.k8s.io", "v1") => Some(Format::Partial),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_acceptable_clause_wins() {
        let cases = [
            (None, Some(Format::Object)),
            (Some("application/json"), Some(Format::Object)),
            (Some("*/*"), Some(Format::Object)),
            (Some("application/vnd.kubernetes.protobuf,application/json"), Some(Format::Object)),
            (Some("application/vnd.kubernetes.protobuf"), None),
            (Some("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), Some(Format::Table)),
            (Some("application/json;as=Foo;v=v1;g=meta.k8s.io,application/json"), Some(Format::Object)),
            (Some("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"), Some(Format::Partial)),
            (Some("application/yaml"), Some(Format::Yaml)),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(http::header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(format(&headers, true).ok(), expected, "{accept:?}");
        }
    }
}
