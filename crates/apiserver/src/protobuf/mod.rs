//! Request bodies in Kubernetes' protobuf form. Typed Go clients, most of `kubectl create` among them, send this unless told
//! otherwise; they accept JSON answers, so only decoding is needed.
//!
//! The envelope is `runtime.Unknown` behind the magic `k8s\0` (apimachinery, `runtime/serializer/protobuf`). What is inside is
//! turned into the JSON that the same object would have, and then takes the way of every other body.

mod message;
mod table;
mod wire;

pub use message::{ProtobufError, decode};

/// The media type.
pub const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
