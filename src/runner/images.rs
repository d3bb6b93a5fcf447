//! Which images an exercise needs, as its manifests and solutions name them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::backend::embedded::knows_image;
use crate::content::step::Step;
use crate::content::{Instance, InstanceError};

/// `image: nginx:1.27`, `"image": "nginx"`, `--image=nginx`, `kubectl set image deploy/web web=nginx:1.28`.
static NAMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?:\bimage["']?\s*:\s*|--image[= ]\s*|\bset image [^\n]*?=)["']?([A-Za-z0-9][A-Za-z0-9._/:@-]*)"#).ok());

/// Images that this instance's setup and solutions name and that exist; what does not exist is meant so.
pub fn images(instance: &Instance) -> Result<BTreeSet<String>, InstanceError> {
    let context = instance.context();
    let mut texts = Vec::new();
    for step in &instance.exercise.setup {
        texts.extend(instance.manifest(step)?.map(|(_, text)| text));
        if let Step::Run(step) = step {
            texts.extend(instance.steps(std::slice::from_ref(step), &context)?.into_iter().map(|s| s.run));
        }
    }
    texts.extend(instance.solution()?.into_iter().map(|step| step.run));
    texts.extend(instance.alternatives()?.into_iter().flat_map(|a| a.steps).map(|step| step.run));
    Ok(texts.iter().flat_map(|text| named(text)).filter(|image| knows_image(image)).collect())
}

fn named(text: &str) -> Vec<String> {
    let Some(names) = NAMES.as_ref() else { return Vec::new() };
    let found = names.captures_iter(text).filter_map(|c| c.get(1));
    found.map(|name| name.as_str().trim_end_matches([':', '.']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn images_are_found_where_people_write_them() {
        let text = "image: nginx:1.27\n  - {name: a, image: \"busybox:1.36\"}\nkubectl run x --image=redis:7 -n a\nkubectl create deploy y --image httpd\nkubectl set image deploy/web web=nginx:1.28\nimagePullPolicy: Always\n";
        assert_eq!(named(text), ["nginx:1.27", "busybox:1.36", "redis:7", "httpd", "nginx:1.28"]);
    }
}
