//! What a plugin is.

use serde_json::Value;

use crate::lookup::Lookup;
use crate::server::{AdmissionCall, Operation};
use crate::status::ApiError;

/// Changes an object on its way in.
pub type Mutate = fn(&AdmissionCall<'_>, &mut Value) -> Result<(), ApiError>;
/// Judges the final object; null stands for the object of a deletion.
pub type Judge = fn(&AdmissionCall<'_>, &Value) -> Result<(), ApiError>;

/// An admission plugin.
pub struct Plugin {
    /// Upstream's name, as in `--enable-admission-plugins`.
    pub name: &'static str,
    /// Whether it is on unless disabled.
    pub default: bool,
    /// First pass.
    pub mutate: Option<Mutate>,
    /// Second pass.
    pub judge: Option<Judge>,
}

/// Whether a call is on a resource itself, not on a subresource.
pub fn is(call: &AdmissionCall<'_>, group: &str, plural: &str) -> bool {
    call.subresource.is_empty() && concerns(call, group, plural)
}

/// Whether a call is on a resource or one of its subresources.
pub fn concerns(call: &AdmissionCall<'_>, group: &str, plural: &str) -> bool {
    call.resource.gvk.group == group && call.resource.plural == plural
}

/// Whether a call creates something.
pub fn creates(call: &AdmissionCall<'_>) -> bool {
    call.operation == Operation::Create
}

/// The present objects.
pub fn lookup(call: &AdmissionCall<'_>) -> Lookup {
    Lookup::new(call.core)
}

/// `pods "x" is forbidden: why` (`admission.NewForbidden`). A name that is still to be generated shows as the prefix.
pub fn forbidden(call: &AdmissionCall<'_>, object: &Value, why: impl std::fmt::Display) -> ApiError {
    use crate::json::Json;
    let name = match call.name {
        "" => match object.text("metadata.name") {
            "" => object.text("metadata.generateName"),
            name => name,
        },
        name => name,
    };
    let name = if name.is_empty() { "Unknown" } else { name };
    ApiError::forbidden(&call.resource.gvk.group, &call.resource.plural, name, &why.to_string())
}
