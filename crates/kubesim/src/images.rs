//! Which images of workloads there are.

use node::images::{Reference, catalogue};

/// Whether an image by this name can be pulled in a simulated cluster. Any other is one that does not exist, which scenarios use too.
pub fn knows_image(name: &str) -> bool {
    Reference::parse(name).is_ok_and(|reference| catalogue().pull(&reference).is_some())
}

#[cfg(test)]
mod tests {
    use super::knows_image;

    #[test]
    fn an_image_is_known_by_all_its_names() {
        for (name, known) in
            [("nginx", true), ("nginx:1.27", true), ("docker.io/library/nginx:1.27", true), ("nginx:no-such-tag", false), ("", false)]
        {
            assert_eq!(knows_image(name), known, "{name}");
        }
    }
}
