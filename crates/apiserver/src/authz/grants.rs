//! Which bindings name a user: what RBAC finds out for each request, remembered until a role or binding changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::rbac;
use crate::lookup::Lookup;
use crate::request::UserInfo;
use crate::server::Core;
use crate::store::{Object, StoreState};

/// Where roles and bindings are stored.
const KEYS: [&str; 4] = ["/registry/clusterrolebindings/", "/registry/clusterroles/", "/registry/rolebindings/", "/registry/roles/"];

/// Users remembered for one namespace before all are forgotten: more than a cluster of ours has.
const MOST: usize = 200;

/// A binding that names the user.
pub(super) struct Grant {
    /// The binding.
    pub binding: Arc<Object>,
    /// Which of its subjects names them.
    pub subject: usize,
    /// The role that it refers to.
    pub role: Arc<Object>,
}

/// All of a user's in a namespace, cluster-wide ones among them.
pub(super) struct Grants {
    /// In the order in which they are asked.
    pub grants: Vec<Grant>,
    /// Roles that bindings name but that are not there.
    pub errors: Vec<String>,
}

/// Grants of those who asked, by namespace.
#[derive(Default)]
pub(crate) struct Remembered(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Up to which revision nothing of RBAC changed since they were found.
    revision: u64,
    found: BTreeMap<String, Vec<Known>>,
}

struct Known {
    user: String,
    groups: Vec<String>,
    grants: Arc<Grants>,
}

impl Remembered {
    /// Grants of a user (cluster-wide ones only when `namespace` is empty).
    pub(super) fn of(core: &Core, user: &UserInfo, namespace: &str) -> Arc<Grants> {
        let state = core.store.snapshot();
        let mut inner = core.grants.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.follow(&state);
        let mut users = inner.found.get(namespace).into_iter().flatten();
        if let Some(known) = users.find(|known| known.user == user.name && known.groups == user.groups) {
            return Arc::clone(&known.grants);
        }
        let grants = Arc::new(rbac::find(&Lookup::new(core), user, namespace));
        let users = inner.found.entry(namespace.to_owned()).or_default();
        if users.len() >= MOST {
            users.clear();
        }
        users.push(Known { user: user.name.clone(), groups: user.groups.clone(), grants: Arc::clone(&grants) });
        grants
    }
}

impl Inner {
    /// Forgets everything if a role or binding changed, or if that can no longer be told.
    fn follow(&mut self, state: &StoreState) {
        if self.revision == state.revision {
            return;
        }
        let told = (state.compacted..=state.revision).contains(&self.revision);
        let mut since = state.log.range(self.revision.saturating_add(1)..);
        if !told || since.any(|(_, change)| KEYS.iter().any(|prefix| change.key.starts_with(prefix))) {
            self.found.clear();
        }
        self.revision = state.revision;
    }
}
