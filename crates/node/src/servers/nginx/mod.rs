//! nginx: static files, `return`, `proxy_pass`, from its configuration files.

mod config;
mod serve;
mod tokens;

pub(super) use serve::run;
