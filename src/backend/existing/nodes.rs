//! No access to nodes.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use crate::backend::environment::{AccessError, NodeAccess, NodeFile, Output};

/// Refuses everything, so that what would need a node is unknown and not wrong.
pub struct NoNodes;

impl NodeAccess for NoNodes {
    fn run<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Output, AccessError>> {
        ready(Err(AccessError::Unsupported)).boxed()
    }

    fn read<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Option<NodeFile>, AccessError>> {
        ready(Err(AccessError::Unsupported)).boxed()
    }

    fn write<'a>(&'a self, _: &'a str, _: &'a str, _: &'a [u8], _: Option<u32>) -> BoxFuture<'a, Result<(), AccessError>> {
        ready(Err(AccessError::Unsupported)).boxed()
    }
}
