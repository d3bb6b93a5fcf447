//! Files that flags name.

use node::machine::ProcessContext;

/// Reads a file of the program's; errors in Go's words.
pub fn read(context: &ProcessContext, path: &str) -> Result<Vec<u8>, String> {
    context.files.read(path).map(|data| data.to_vec()).map_err(|errno| format!("open {path}: {}", errno.go()))
}

/// Reads a file if the flag is given, else gives nothing.
pub fn read_flag(context: &ProcessContext, path: Option<&str>) -> Result<Vec<u8>, String> {
    path.map_or_else(|| Ok(Vec::new()), |path| read(context, path))
}

/// Whether two PEM files make a pair, as Go's `tls.LoadX509KeyPair` sees it. Only the presence of both is judged beyond
/// their being readable: what is signed by whom is judged when somebody connects.
pub fn key_pair(context: &ProcessContext, cert: &str, key: &str) -> Result<Vec<u8>, String> {
    let pem = read(context, cert)?;
    if component::tls::certificates(&pem).is_empty() {
        return Err("tls: failed to find any PEM data in certificate input".to_owned());
    }
    let key = read(context, key)?;
    if !String::from_utf8_lossy(&key).contains("PRIVATE KEY-----") {
        return Err("tls: failed to find any PEM data in key input".to_owned());
    }
    Ok(pem)
}
