//! `crictl images`, `rmi`.

use super::format::{short, size, table};
use super::options::Options;
use crate::containerd::{Cri, CriError};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) fn list(cri: &Cri, options: &Options) -> Result<String, CriError> {
    let images = cri.images()?;
    let wanted = options.arguments.first();
    let images: Vec<_> =
        images.into_iter().filter(|image| wanted.is_none_or(|name| image.tags.iter().any(|tag| tag.contains(name.as_str())))).collect();
    if options.flag("quiet") {
        return Ok(images.iter().map(|image| format!("{}\n", image.id)).collect());
    }
    let mut rows = vec![["IMAGE", "TAG", "IMAGE ID", "SIZE"].map(str::to_owned).to_vec()];
    for image in &images {
        for tag in &image.tags {
            let (name, tag) = tag.rsplit_once(':').unwrap_or((tag, "<none>"));
            rows.push(vec![name.to_owned(), tag.to_owned(), short(&image.id), size(image.size)]);
        }
        if image.tags.is_empty() {
            rows.push(vec!["<none>".to_owned(), "<none>".to_owned(), short(&image.id), size(image.size)]);
        }
    }
    Ok(table(&rows))
}

pub(super) fn remove(context: &ProcessContext, cri: &Cri, options: &Options) -> Result<ExitStatus, String> {
    let text = |error: CriError| error.to_string();
    let names: Vec<String> = if options.flag("prune") {
        let used: Vec<String> = cri.containers().map_err(text)?.iter().map(|container| container.config.image_id.clone()).collect();
        let images = cri.images().map_err(text)?;
        images
            .iter()
            .filter(|image| !used.contains(&image.id) && !image.tags.iter().any(|tag| tag.contains("/pause:")))
            .map(|image| image.id.clone())
            .collect()
    } else {
        options.arguments.clone()
    };
    if names.is_empty() && !options.flag("prune") {
        return Err("image reference must be specified".to_owned());
    }
    let mut status = ExitStatus::SUCCESS;
    for name in names {
        let full = crate::images::Reference::parse(&name).map_or_else(|_| name.clone(), |reference| reference.to_string());
        let found = match cri.image(&full).map_err(text)? {
            Some(image) => Some(image),
            None => cri.image(&name).map_err(text)?,
        };
        match found {
            Some(image) => {
                cri.remove_image(&image.id).map_err(text)?;
                for tag in &image.tags {
                    context.stdout.write_now(format!("Deleted: {tag}\n").as_bytes());
                }
            }
            None => {
                context
                    .stderr
                    .write_now(format!("E remote_image.go:167] \"ImageStatus failed\" image={name:?}\nno such image {name}\n").as_bytes());
                status = ExitStatus::FAILURE;
            }
        }
    }
    Ok(status)
}
