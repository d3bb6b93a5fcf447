//! `-o go-template`: not supported, and said so.

/// What is answered to `-o go-template` and `-o templatefile`.
pub const REFUSED: &str = "go templates are not supported by this kubectl; use -o jsonpath or -o custom-columns";
