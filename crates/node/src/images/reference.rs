//! Names of images: `distribution/reference`'s grammar and the defaults that Docker and the kubelet add.

use std::fmt;

/// Text that is not the name of an image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidReference {
    /// Outside the grammar.
    #[error("invalid reference format")]
    Format,
    /// Upper case in the repository.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
}

/// A normalised name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `docker.io`, `registry.k8s.io`, `localhost:5000`.
    pub domain: String,
    /// `library/nginx`.
    pub path: String,
    /// `1.27`; `latest` when neither tag nor digest was given.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a name as a user writes it.
    pub fn parse(text: &str) -> Result<Self, InvalidReference> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let hex = digest.strip_prefix("sha256:").ok_or(InvalidReference::Format)?;
                if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
                    return Err(InvalidReference::Format);
                }
                (rest, Some(digest.to_owned()))
            }
            None => (text, None),
        };
        // A colon after the last slash begins the tag; one before it belongs to a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned())),
            _ => (rest, None),
        };
        if let Some(tag) = &tag {
            let mut bytes = tag.bytes();
            let first = bytes.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !first || tag.len() > 128 || !bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')) {
                return Err(InvalidReference::Format);
            }
        }
        let (domain, path) = match name.split_once('/') {
            Some((first, path)) if first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase()) => {
                (first.to_owned(), path.to_owned())
            }
            Some(_) => ("docker.io".to_owned(), name.to_owned()),
            None => ("docker.io".to_owned(), format!("library/{name}")),
        };
        let domain = if domain == "index.docker.io" { "docker.io".to_owned() } else { domain };
        if path.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(InvalidReference::Uppercase(path));
        }
        if name.is_empty() || !path.split('/').all(component) || !valid_domain(&domain) {
            return Err(InvalidReference::Format);
        }
        let tag = if tag.is_none() && digest.is_none() { Some("latest".to_owned()) } else { tag };
        Ok(Self { domain, path, tag, digest })
    }

    /// `docker.io/library/nginx`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// Whether the kubelet's default pull policy for it is `Always`.
    pub fn is_latest(&self) -> bool {
        self.digest.is_none() && self.tag.as_deref() == Some("latest")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// `[a-z0-9]+` parts separated by one of `.`, `_`, `__` or dashes.
fn component(text: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().copied().is_some_and(alnum) && bytes.last().copied().is_some_and(alnum);
    ends && bytes.iter().all(|b| alnum(*b) || matches!(b, b'.' | b'_' | b'-'))
        && !text.contains("..")
        && !text.contains("___")
        && !["._", "_.", ".-", "-.", "_-", "-_"].iter().any(|pair| text.contains(pair))
}

fn valid_domain(domain: &str) -> bool {
    let (host, port) = match domain.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (domain, None),
    };
    port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
        && host.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn names_are_normalised_or_refused() {
        for (text, expected) in [
            ("nginx", Some("docker.io/library/nginx:latest")),
            ("nginx:1.27", Some("docker.io/library/nginx:1.27")),
            ("curlimages/curl", Some("docker.io/curlimages/curl:latest")),
            ("registry.k8s.io/pause:3.10.1", Some("registry.k8s.io/pause:3.10.1")),
            ("localhost:5000/a/b", Some("localhost:5000/a/b:latest")),
            ("localhost/x:1", Some("localhost/x:1")),
            ("nginx::1", None),
            ("nginx:", None),
            ("Nginx", None),
            ("nginx latest", None),
            ("-nginx", None),
            ("", None),
            ("nginx@sha256:12", None),
        ] {
            assert_eq!(Reference::parse(text).ok().map(|r| r.to_string()).as_deref(), expected, "{text:?}");
        }
        let digest = format!("nginx@sha256:{}", "a".repeat(64));
        assert_eq!(Reference::parse(&digest).expect("valid").tag, None);
    }
}
