//! What the registries serve.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use sha2::{Digest, Sha256};

use super::base::Base;
use super::files::{self, Item};
use super::reference::Reference;
use super::rows::{ROWS, Row};
use crate::containerd::ImageRecord;
use crate::fs::Tree;
use crate::machine::Signal;

/// An image: its configuration and its files.
#[derive(Clone, Debug)]
pub struct Image {
    /// Digest of the configuration, `sha256:…`; containerd's id of the image.
    pub id: String,
    /// Digest of the manifest.
    pub digest: String,
    /// `docker.io/library/nginx`
    pub repository: String,
    /// Tags that lead to it.
    pub tags: Vec<String>,
    /// Version of what is in it: the first tag.
    pub version: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// `ENTRYPOINT`
    pub entrypoint: Vec<String>,
    /// `CMD`
    pub cmd: Vec<String>,
    /// `ENV`
    pub env: Vec<(String, String)>,
    /// `USER`, a name or a number; empty is root.
    pub user: String,
    /// `WORKDIR`
    pub working_dir: String,
    /// `EXPOSE`
    pub ports: Vec<String>,
    /// `STOPSIGNAL`
    pub stop_signal: Option<Signal>,
    base: Base,
    items: &'static [Item],
    /// Its files, put together when somebody first looks.
    tree: OnceLock<Tree>,
}

/// All images that can be pulled.
#[derive(Debug, Default)]
pub struct Catalogue {
    images: BTreeMap<String, Arc<Image>>,
    names: BTreeMap<String, String>,
}

/// The catalogue. Built once; it never changes.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::build(ROWS));
    &CATALOGUE
}

fn sha256(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text).iter().fold("sha256:".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
        out
    })
}

impl Catalogue {
    fn build(rows: &'static [Row]) -> Self {
        let mut catalogue = Self::default();
        for row in rows {
            for version in row.versions {
                let image = Image::build(row, version);
                for tag in &image.tags {
                    catalogue.names.insert(format!("{}:{tag}", image.repository), image.id.clone());
                }
                catalogue.names.insert(format!("{}@{}", image.repository, image.digest), image.id.clone());
                catalogue.images.insert(image.id.clone(), Arc::new(image));
            }
        }
        catalogue
    }

    /// The image of that id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Image>> {
        self.images.get(id)
    }

    /// What a registry answers for a name.
    pub fn pull(&self, name: &Reference) -> Option<&Arc<Image>> {
        let key = match (&name.digest, &name.tag) {
            (Some(digest), _) => format!("{}@{digest}", name.repository()),
            (None, Some(tag)) => format!("{}:{tag}", name.repository()),
            (None, None) => return None,
        };
        self.by_id(self.names.get(&key)?)
    }

    /// All images in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Image>> {
        self.images.values()
    }
}

impl Image {
    fn build(row: &'static Row, tags: &[&str]) -> Self {
        let version = tags.first().copied().unwrap_or("latest");
        let seed = format!("{}:{version}", row.repository);
        let strings = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let path = ("PATH".to_owned(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
        let variables = row.env.iter().map(|(name, value)| ((*name).to_owned(), value.replace("{version}", version)));
        Self {
            id: sha256(&format!("config of {seed}")),
            digest: sha256(&format!("manifest of {seed}")),
            repository: row.repository.to_owned(),
            tags: strings(tags),
            version: version.to_owned(),
            size: row.size,
            entrypoint: strings(row.entrypoint),
            cmd: strings(row.cmd),
            env: std::iter::once(path).chain(variables).collect(),
            user: row.user.to_owned(),
            working_dir: row.working_dir.to_owned(),
            ports: strings(row.ports),
            stop_signal: Signal::parse(row.stop_signal),
            base: row.base,
            items: row.items,
            tree: OnceLock::new(),
        }
    }

    /// Its files.
    pub fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| {
            let mut tree = self.base.tree().clone();
            files::add(&mut tree, self.items);
            tree
        })
    }

    /// A record in a machine's image store, with the name that it was pulled by.
    pub fn record(&self, name: &Reference) -> ImageRecord {
        ImageRecord {
            id: self.id.clone(),
            tags: name.tag.iter().map(|tag| format!("{}:{tag}", name.repository())).collect(),
            digests: vec![format!("{}@{}", self.repository, self.digest)],
            size: self.size,
        }
    }

    /// Number of a user named in the image's `/etc/passwd`, with its group.
    pub fn user_id(&self, user: &str) -> Option<(u32, u32)> {
        let (user, group) = match user.split_once(':') {
            Some((user, group)) => (user, Some(group)),
            None => (user, None),
        };
        let passwd = self.tree().read_text("/etc/passwd").unwrap_or_default();
        let row = |matches: &dyn Fn(&[&str]) -> bool| {
            passwd
                .lines()
                .map(|line| line.split(':').collect::<Vec<_>>())
                .find(|f| f.len() > 3 && matches(f))
                .and_then(|f| Some((f[2].parse::<u32>().ok()?, f[3].parse::<u32>().ok()?)))
        };
        let (uid, gid) = match user.parse::<u32>() {
            Ok(uid) => row(&|fields| fields[2].parse() == Ok(uid)).unwrap_or((uid, 0)),
            Err(_) => row(&|fields| fields[0] == user)?,
        };
        Some((uid, group.and_then(|group| group.parse().ok()).unwrap_or(gid)))
    }

    /// Home of a user as runc finds it: `/` for one who is not in `/etc/passwd`.
    pub fn home(&self, uid: u32) -> String {
        let passwd = self.tree().read_text("/etc/passwd").unwrap_or_default();
        let mut rows = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        rows.find(|f| f.len() > 5 && f[2].parse() == Ok(uid)).map_or_else(|| "/".to_owned(), |f| f[5].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_names_lead_to_images_whose_commands_exist() {
        for (name, version) in [
            ("nginx", "1.29"),
            ("nginx:1.27", "1.27"),
            ("busybox:1.36", "1.36"),
            ("registry.k8s.io/pause:3.10.1", "3.10.1"),
            ("registry.k8s.io/coredns/coredns:v1.13.1", "v1.13.1"),
            ("registry.k8s.io/etcd:3.6.6-0", "3.6.6-0"),
            ("redis", "8"),
        ] {
            let name = Reference::parse(name).expect("a name");
            let image = catalogue().pull(&name).unwrap_or_else(|| panic!("{name} can be pulled"));
            assert_eq!(image.version, version);
        }
        let missing = Reference::parse("nginx:1.99").expect("a name");
        assert!(catalogue().pull(&missing).is_none());
        for image in catalogue().iter() {
            let command = image.entrypoint.iter().chain(&image.cmd).next().unwrap_or_else(|| panic!("{} runs something", image.repository));
            let path = &image.env[0].1;
            let found = command.starts_with('/') && image.tree().exists(command)
                || path.split(':').any(|dir| image.tree().exists(&format!("{dir}/{command}")));
            assert!(found, "{}: {command}", image.repository);
        }
    }

    #[test]
    fn users_have_numbers() {
        let nginx = catalogue().pull(&Reference::parse("nginx").expect("a name")).expect("there");
        assert_eq!(nginx.user_id("nginx"), Some((101, 101)));
        assert_eq!(nginx.user_id("33:5"), Some((33, 5)));
        assert_eq!(nginx.user_id("nosuch"), None);
    }
}
