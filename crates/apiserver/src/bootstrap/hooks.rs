//! The list of hooks, in the order in which upstream's become ready.

use crate::server::PostStartHook;

/// Everything that is done once after the server's start.
pub fn post_start_hooks() -> Vec<PostStartHook> {
    vec![
        |core| Box::pin(async move { super::namespaces::ensure(&core) }),
        |core| Box::pin(async move { super::priority_classes::ensure(&core) }),
        |core| Box::pin(async move { super::rbac::ensure(&core) }),
        |core| Box::pin(async move { super::kubernetes_service::ensure(&core) }),
        |core| Box::pin(async move { super::authentication::ensure(&core) }),
    ]
}
