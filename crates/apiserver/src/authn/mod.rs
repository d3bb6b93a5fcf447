//! Authentication: client certificates, service-account tokens, bootstrap tokens, anonymous; impersonation.

mod bootstrap_token;
mod certificate;
mod chain;
mod impersonation;
mod jwt;
mod service_account;

pub use chain::{Chain, authenticate_token};
pub use jwt::{JwtError, KeySet};
pub use service_account::{Bound, Subject, Wanted, issue, parse_username, username};
