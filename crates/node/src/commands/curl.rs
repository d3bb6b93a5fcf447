//! `curl`

use std::time::Duration;

use bytes::Bytes;
use component::dial::DialError;
use component::tls::{ClientTls, TlsError};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::http::{Answer, Call, Failure, Phase, fetch, host_port};
use super::options::{Options, Spec, flag, value};
use crate::machine::{ExitStatus, ProcessContext};

const SPECS: &[Spec] = &[
    flag('s', "silent"),
    flag('S', "show-error"),
    flag('k', "insecure"),
    flag('v', "verbose"),
    flag('i', "include"),
    flag('I', "head"),
    flag('L', "location"),
    flag('f', "fail"),
    flag('O', "remote-name"),
    flag('g', "globoff"),
    flag('4', "ipv4"),
    flag('6', "ipv6"),
    flag('N', "no-buffer"),
    flag('#', "progress-bar"),
    flag('G', "get"),
    flag('q', "disable"),
    value('m', "max-time"),
    value('o', "output"),
    value('X', "request"),
    value('H', "header"),
    value('d', "data"),
    value('u', "user"),
    value('A', "user-agent"),
    value('w', "write-out"),
    value('E', "cert"),
    value('e', "referer"),
    value('b', "cookie"),
    value('x', "proxy"),
    value('T', "upload-file"),
    value('F', "form"),
    value('\0', "connect-timeout"),
    value('\0', "cacert"),
    value('\0', "key"),
    value('\0', "resolve"),
    value('\0', "data-raw"),
    value('\0', "data-binary"),
    value('\0', "retry"),
    value('\0', "retry-delay"),
    flag('\0', "retry-connrefused"),
    value('\0', "url"),
    value('\0', "noproxy"),
    value('\0', "json"),
    flag('\0', "http1.1"),
    flag('\0', "http2"),
    flag('\0', "compressed"),
    flag('V', "version"),
    flag('\0', "fail-with-body"),
    value('\0', "max-redirs"),
    flag('\0', "tlsv1.2"),
    flag('\0', "no-progress-meter"),
    value('\0', "oauth2-bearer"),
    value('\0', "unix-socket"),
    value('\0', "capath"),
    flag('\0', "path-as-is"),
];

/// Redirects that are followed with `-L`.
const MAX_REDIRECTS: usize = 50;

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let options = match Options::parse(context.argv.get(1..).unwrap_or_default(), SPECS) {
        Ok(options) => options,
        Err(message) => {
            let text = message.replace("invalid option -- '", "option -").replace("unrecognized option '", "option ").replace('\'', "");
            return fail(
                &context,
                None,
                2,
                &format!("{text}: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information"),
            )
            .await;
        }
    };
    if options.has("V") {
        let _ = context
            .stdout
            .line("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.15\nRelease-Date: 2023-02-20\nProtocols: http https")
            .await;
        return ExitStatus::SUCCESS;
    }
    let mut urls: Vec<String> = options.all("url").map(str::to_owned).collect();
    urls.extend(options.rest.iter().cloned());
    if urls.is_empty() {
        return fail(&context, None, 2, "no URL specified!\ncurl: try 'curl --help' or 'curl --manual' for more information").await;
    }
    if options.get("unix-socket").is_some() || options.get("F").is_some() || options.get("T").is_some() {
        return fail(&context, None, 2, "this option is not simulated").await;
    }
    let mut status = ExitStatus::SUCCESS;
    for url in urls {
        let mut attempts = options.get("retry").and_then(|count| count.parse::<u32>().ok()).unwrap_or(0);
        loop {
            status = transfer(&context, &options, &url).await;
            let again = matches!(status.code(), 28) || status.code() == 7 && options.has("retry-connrefused");
            if attempts == 0 || !again {
                break;
            }
            attempts -= 1;
            tokio::time::sleep(Duration::from_secs(options.get("retry-delay").and_then(|delay| delay.parse().ok()).unwrap_or(1))).await;
        }
    }
    status
}

async fn fail(context: &ProcessContext, options: Option<&Options>, code: u8, text: &str) -> ExitStatus {
    if options.is_none_or(|options| !options.has("s") || options.has("S")) {
        let shown = if code == 2 { format!("curl: {text}") } else { format!("curl: ({code}) {text}") };
        let _ = context.stderr.line(shown).await;
    }
    ExitStatus::Code(code)
}

async fn transfer(context: &ProcessContext, options: &Options, url: &str) -> ExitStatus {
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let Ok(mut uri) = full.parse::<Uri>() else {
        return fail(context, Some(options), 3, "URL using bad/illegal format or missing URL").await;
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        let scheme = uri.scheme_str().unwrap_or_default().to_owned();
        return fail(context, Some(options), 1, &format!("Protocol \"{scheme}\" not supported or disabled in libcurl")).await;
    }
    let mut redirects = 0;
    let started = context.machine.clock().now();
    loop {
        let call = match prepare(context, options, uri.clone()) {
            Ok(call) => call,
            Err((code, text)) => return fail(context, Some(options), code, &text).await,
        };
        let (host, port) = host_port(&uri);
        if options.has("v") {
            let _ = context.stderr.line(format!("*   Trying {host}:{port}...")).await;
        }
        let request = call.method.clone();
        let limit = call.limit;
        let answer = match fetch(context, call).await {
            Ok(answer) => answer,
            Err(failure) => {
                let elapsed = context.machine.clock().since(started).as_millis();
                let (code, text) = describe(&failure, &host, port, elapsed, limit);
                return fail(context, Some(options), code, &text).await;
            }
        };
        if options.has("v") {
            trace(context, &request, &uri, &answer).await;
        }
        let location = answer.parts.headers.get(http::header::LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(location) = location.filter(|_| options.has("L") && answer.parts.status.is_redirection()) {
            redirects += 1;
            if redirects > MAX_REDIRECTS {
                return fail(context, Some(options), 47, "Maximum (50) redirects followed").await;
            }
            let base = format!("{}://{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |authority| authority.as_str()));
            let next = if location.contains("://") { location } else { format!("{base}{location}") };
            match next.parse() {
                Ok(next) => uri = next,
                Err(_) => return fail(context, Some(options), 3, "URL using bad/illegal format or missing URL").await,
            }
            continue;
        }
        return deliver(context, options, &uri, &answer).await;
    }
}

fn prepare(context: &ProcessContext, options: &Options, uri: Uri) -> Result<Call, (u8, String)> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| {
        if let (Ok(name), Ok(value)) = (name.trim().parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    };
    let agent = options.get("A").unwrap_or("curl/7.88.1");
    add("user-agent", agent);
    let mut accept = true;
    for header in options.all("H") {
        if let Some((name, value)) = header.split_once(':') {
            accept &= !name.eq_ignore_ascii_case("accept");
            add(name, value);
        }
    }
    if accept {
        add("accept", "*/*");
    }
    if let Some(user) = options.get("u") {
        use base64::Engine;
        add("authorization", &format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user)));
    }
    if let Some(token) = options.get("oauth2-bearer") {
        add("authorization", &format!("Bearer {token}"));
    }
    let mut parts: Vec<Vec<u8>> = Vec::new();
    for key in ["d", "data-raw", "data-binary", "json"] {
        for text in options.all(key) {
            match text.strip_prefix('@').filter(|_| key != "data-raw") {
                Some(file) => match context.files.read(&context.path(file)) {
                    Ok(bytes) if key == "d" => parts.push(bytes.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()),
                    Ok(bytes) => parts.push(bytes.to_vec()),
                    Err(_) => return Err((26, format!("Failed to open {file}"))),
                },
                None => parts.push(text.as_bytes().to_vec()),
            }
        }
    }
    let has_body = !parts.is_empty();
    if has_body {
        let kind = if options.get("json").is_some() { "application/json" } else { "application/x-www-form-urlencoded" };
        let given = options.all("H").any(|header| header.to_ascii_lowercase().starts_with("content-type"));
        if !given {
            add("content-type", kind);
        }
    }
    let method = match options.get("X") {
        Some(method) => Method::from_bytes(method.as_bytes()).map_err(|_| (3, "bad request method".to_owned()))?,
        None if options.has("I") => Method::HEAD,
        None if has_body && !options.has("G") => Method::POST,
        None => Method::GET,
    };
    let read = |key: &str, code: u8, text: &dyn Fn(&str) -> String| match options.get(key) {
        None => Ok(None),
        Some(file) => context.files.read(&context.path(file)).map(|bytes| Some(bytes.to_vec())).map_err(|_| (code, text(file))),
    };
    let tls = ClientTls {
        ca_pem: read("cacert", 77, &|file| format!("error setting certificate file: {file}"))?.unwrap_or_default(),
        cert_pem: read("E", 58, &|file| {
            format!(
                "could not load PEM client certificate from {file}, OpenSSL error error:80000002:system library::No such file or directory, (no key found, wrong pass phrase, or wrong file format?)"
            )
        })?,
        key_pem: match read("key", 58, &|file| format!("unable to set private key file: '{file}' type PEM"))? {
            Some(key) => Some(key),
            None => read("E", 58, &|file| format!("unable to set private key file: '{file}' type PEM"))?,
        },
        insecure: options.has("k"),
        server_name: None,
    };
    let (host, port) = host_port(&uri);
    let address = options.all("resolve").find_map(|entry| {
        let (name, rest) = entry.split_once(':')?;
        let (entry_port, ip) = rest.split_once(':')?;
        (name == host && entry_port == port.to_string())
            .then(|| ip.trim_matches(['[', ']']).parse().ok().map(|ip| std::net::SocketAddr::new(ip, port)))?
    });
    let seconds = |key: &str| options.get(key).and_then(|text| text.parse::<f64>().ok()).filter(|seconds| *seconds > 0.0);
    // The connect time-out is only the shorter of the two where nothing answers; else the whole limit counts.
    let limit = seconds("m").or(seconds("connect-timeout")).map_or(Duration::from_secs(135), Duration::from_secs_f64);
    Ok(Call { method, uri, headers, body: Bytes::from(parts.join(&b'&')), tls, address, limit })
}

/// curl's exit code and words.
fn describe(failure: &Failure, host: &str, port: u16, elapsed: u128, limit: Duration) -> (u8, String) {
    match failure {
        Failure::Lookup => (6, format!("Could not resolve host: {host}")),
        Failure::Connect(DialError::NoRoute { .. }, _) => (7, format!("Failed to connect to {host} port {port} after {elapsed} ms: No route to host")),
        Failure::Connect(DialError::Timeout { .. }, _) => (28, format!("Failed to connect to {host} port {port} after {elapsed} ms: Couldn't connect to server")),
        Failure::Connect(..) => (7, format!("Failed to connect to {host} port {port} after {elapsed} ms: Couldn't connect to server")),
        Failure::TimedOut(Phase::Transfer) => (28, format!("Operation timed out after {} milliseconds with 0 bytes received", limit.as_millis().max(elapsed))),
        Failure::TimedOut(Phase::Lookup) => (28, format!("Resolving timed out after {} milliseconds", limit.as_millis() + 1)),
        Failure::TimedOut(Phase::Connect) => (28, format!("Connection timed out after {} milliseconds", limit.as_millis() + 1)),
        Failure::Empty => (52, "Empty reply from server".to_owned()),
        Failure::Tls(TlsError::UnknownAuthority) => (
            60,
            "SSL certificate problem: unable to get local issuer certificate\nMore details here: https://curl.se/docs/sslcerts.html\n\ncurl failed to verify the legitimacy of the server and therefore could not\nestablish a secure connection to it. To learn more about this situation and\nhow to fix it, please visit the web page mentioned above.".to_owned(),
        ),
        Failure::Tls(TlsError::Expired { .. }) => (60, "SSL certificate problem: certificate has expired\nMore details here: https://curl.se/docs/sslcerts.html".to_owned()),
        Failure::Tls(TlsError::WrongHost { .. }) => (60, format!("SSL: no alternative certificate subject name matches target host name '{host}'\nMore details here: https://curl.se/docs/sslcerts.html")),
        Failure::Tls(TlsError::PlainServer) => (35, "error:0A00010B:SSL routines::wrong version number".to_owned()),
        Failure::Tls(error) => (58, error.to_string()),
    }
}

fn head(answer: &Answer) -> String {
    let status = answer.parts.status;
    let mut text = format!("{:?} {} {}\r\n", answer.parts.version, status.as_u16(), status.canonical_reason().unwrap_or_default());
    for (name, value) in &answer.parts.headers {
        let name: Vec<String> = name.as_str().split('-').map(|part| part[..1].to_ascii_uppercase() + &part[1..]).collect();
        text.push_str(&format!("{}: {}\r\n", name.join("-"), value.to_str().unwrap_or_default()));
    }
    text + "\r\n"
}

async fn trace(context: &ProcessContext, method: &Method, uri: &Uri, answer: &Answer) {
    let (host, port) = host_port(uri);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut text = format!(
        "* Connected to {host} ({}) port {port} (#0)\n> {method} {path} HTTP/1.1\n> Host: {}\n> User-Agent: curl/7.88.1\n> Accept: */*\n> \n",
        answer.remote.ip(),
        uri.authority().map_or("", |authority| authority.as_str())
    );
    for line in head(answer).lines() {
        text.push_str(&format!("< {line}\n"));
    }
    text.push_str(&format!("* Connection #0 to host {host} left intact\n"));
    let _ = context.stderr.write(text).await;
}

async fn deliver(context: &ProcessContext, options: &Options, uri: &Uri, answer: &Answer) -> ExitStatus {
    let status = answer.parts.status.as_u16();
    let failed = status >= 400 && (options.has("f") || options.has("fail-with-body"));
    let mut out = Vec::new();
    if options.has("i") || options.has("I") {
        out.extend_from_slice(head(answer).as_bytes());
    }
    let hidden = options.has("I") || failed && options.has("f");
    if !hidden {
        out.extend_from_slice(&answer.body);
    }
    let file = options.get("o").map(str::to_owned).or_else(|| {
        options.has("O").then(|| uri.path().rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html").to_owned())
    });
    match file {
        Some(file) if file != "-" => {
            if let Err(errno) = context.files.write(&context.path(&file), out) {
                return fail(context, Some(options), 23, &format!("Failure writing output to destination: {errno}")).await;
            }
        }
        _ => {
            let _ = context.stdout.write(out).await;
        }
    }
    if let Some(format) = options.get("w") {
        let text = format
            .replace("%{http_code}", &format!("{status:03}"))
            .replace("%{response_code}", &format!("{status:03}"))
            .replace("%{size_download}", &answer.body.len().to_string())
            .replace("%{remote_ip}", &answer.remote.ip().to_string())
            .replace("%{time_total}", "0.001")
            .replace("%{content_type}", answer.parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default())
            .replace("\\n", "\n");
        let _ = context.stdout.write(text).await;
    }
    if failed {
        return fail(context, Some(options), 22, &format!("The requested URL returned error: {status}")).await;
    }
    ExitStatus::SUCCESS
}
