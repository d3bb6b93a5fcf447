//! `openssl`: looking at certificates and requests.

mod request;

use component::tls::{certificates, verify_chain};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{
    AlgorithmIdentifier, FromDer, GeneralName, ParsedExtension, SubjectPublicKeyInfo, X509Certificate, X509Extension, X509Name,
};

use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: ProcessContext) -> ExitStatus {
    let args = context.argv.get(1..).unwrap_or_default();
    match args.first().map_or("", String::as_str) {
        "version" => {
            let _ = context.stdout.line("OpenSSL 3.0.15 3 Sep 2024 (Library: OpenSSL 3.0.15 3 Sep 2024)").await;
            ExitStatus::SUCCESS
        }
        "x509" => x509(&context, &args[1..]).await,
        "req" => request::run(&context, &args[1..]).await,
        "verify" => verify(&context, &args[1..]).await,
        "" => ExitStatus::SUCCESS,
        command => {
            let text = format!("openssl: {command} is not simulated (x509, req, verify and version are)");
            let _ = context.stderr.line(text).await;
            ExitStatus::FAILURE
        }
    }
}

async fn fail(context: &ProcessContext, text: &str) -> ExitStatus {
    let _ = context.stderr.line(text).await;
    ExitStatus::FAILURE
}

async fn x509(context: &ProcessContext, args: &[String]) -> ExitStatus {
    let mut file = None;
    let mut wanted: Vec<&str> = Vec::new();
    let (mut no_out, mut check_end, mut extension) = (false, None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.trim_start_matches('-') {
            "in" => file = args.next(),
            "noout" => no_out = true,
            "checkend" => check_end = args.next().and_then(|text| text.parse::<i64>().ok()),
            "ext" => extension = args.next(),
            "nameopt" | "inform" | "certopt" | "dateopt" => {
                args.next();
            }
            "sha256" => {}
            name @ ("text" | "subject" | "issuer" | "dates" | "startdate" | "enddate" | "serial" | "fingerprint" | "hash") => {
                wanted.push(name)
            }
            name => return fail(context, &format!("x509: Unknown option or cipher: {name}\nx509: Use -help for summary.")).await,
        }
    }
    let pem = match file {
        None => context.stdin.read_to_end().await,
        Some(file) => match context.files.read(&context.path(file)) {
            Ok(bytes) => bytes.to_vec(),
            Err(errno) => {
                return fail(
                    context,
                    &format!("Could not open file or uri for loading certificate from {file}\nerror: {errno}\nUnable to load certificate"),
                )
                .await;
            }
        },
    };
    let Some(der) = certificates(&pem).into_iter().next() else {
        let name = file.map_or("<stdin>", String::as_str);
        return fail(context, &format!("Could not find certificate from {name}\nUnable to load certificate")).await;
    };
    let Ok((_, certificate)) = X509Certificate::from_der(&der) else {
        return fail(context, "Could not read certificate\nUnable to load certificate").await;
    };
    let mut text = String::new();
    for name in wanted {
        match name {
            "text" => text.push_str(&full(&certificate)),
            "subject" => text.push_str(&format!("subject={}\n", distinguished(certificate.subject()))),
            "issuer" => text.push_str(&format!("issuer={}\n", distinguished(certificate.issuer()))),
            "startdate" => text.push_str(&format!("notBefore={}\n", date(certificate.validity().not_before.timestamp()))),
            "enddate" => text.push_str(&format!("notAfter={}\n", date(certificate.validity().not_after.timestamp()))),
            "dates" => text.push_str(&format!(
                "notBefore={}\nnotAfter={}\n",
                date(certificate.validity().not_before.timestamp()),
                date(certificate.validity().not_after.timestamp())
            )),
            "serial" => text.push_str(&format!("serial={}\n", hex(certificate.raw_serial(), "").to_uppercase())),
            "fingerprint" => text.push_str(&format!("sha256 Fingerprint={}\n", hex(&Sha256::digest(&der), ":").to_uppercase())),
            _ => text.push_str(&format!(
                "{:08x}\n",
                certificate.subject().as_raw().iter().fold(7u32, |h, b| h.wrapping_mul(31).wrapping_add(u32::from(*b)))
            )),
        }
    }
    if let Some(extension) = extension {
        let all = extensions(certificate.extensions(), 0);
        let title = if extension == "subjectAltName" { "X509v3 Subject Alternative Name" } else { "X509v3" };
        let mut keep = false;
        for line in all.lines() {
            if !line.starts_with("    ") {
                keep = line.starts_with(title);
            }
            if keep {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    let mut status = ExitStatus::SUCCESS;
    if let Some(seconds) = check_end {
        let expires = certificate.validity().not_after.timestamp() < context.machine.clock().now().as_second() + seconds;
        text.push_str(if expires { "Certificate will expire\n" } else { "Certificate will not expire\n" });
        status = if expires { ExitStatus::FAILURE } else { status };
    }
    if !no_out {
        let all = String::from_utf8_lossy(&pem).into_owned();
        if let (Some(start), Some(end)) = (all.find("-----BEGIN CERTIFICATE-----"), all.find("-----END CERTIFICATE-----")) {
            text.push_str(&all[start..end]);
            text.push_str("-----END CERTIFICATE-----\n");
        }
    }
    let _ = context.stdout.write(text).await;
    status
}

/// `O = system:nodes, CN = system:node:worker-1`.
fn distinguished(name: &X509Name<'_>) -> String {
    name.iter_attributes()
        .map(|attribute| {
            let key = match attribute.attr_type().to_id_string().as_str() {
                "2.5.4.3" => "CN".to_owned(),
                "2.5.4.6" => "C".to_owned(),
                "2.5.4.7" => "L".to_owned(),
                "2.5.4.8" => "ST".to_owned(),
                "2.5.4.10" => "O".to_owned(),
                "2.5.4.11" => "OU".to_owned(),
                other => other.to_owned(),
            };
            format!("{key} = {}", attribute.as_str().unwrap_or("?"))
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// `Nov 24 06:26:58 2026 GMT`.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime("%b %e %H:%M:%S %Y GMT").to_string()
}

fn hex(bytes: &[u8], separator: &str) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(separator)
}

/// Bytes in lines of `width`, each behind `indent` blanks.
fn hex_block(bytes: &[u8], width: usize, indent: usize) -> String {
    let lines: Vec<String> = bytes.chunks(width).map(|chunk| format!("{:indent$}{}", "", hex(chunk, ":"))).collect();
    lines.join(":\n") + "\n"
}

fn algorithm(identifier: &AlgorithmIdentifier<'_>) -> &'static str {
    match identifier.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.3.101.112" => "ED25519",
        _ => "unknown",
    }
}

fn public_key(key: &SubjectPublicKeyInfo<'_>) -> String {
    let bits = &key.subject_public_key.data;
    match key.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => format!(
            "            Public Key Algorithm: rsaEncryption\n                Public-Key: ({} bit)\n",
            (bits.len().saturating_sub(14)) * 8
        ),
        "1.2.840.10045.2.1" => format!(
            "            Public Key Algorithm: id-ecPublicKey\n                Public-Key: (256 bit)\n                pub:\n{}                ASN1 OID: prime256v1\n                NIST CURVE: P-256\n",
            hex_block(bits, 15, 20)
        ),
        _ => format!(
            "            Public Key Algorithm: ED25519\n                ED25519 Public-Key:\n                pub:\n{}",
            hex_block(bits, 15, 20)
        ),
    }
}

fn full(certificate: &X509Certificate<'_>) -> String {
    let algorithm = algorithm(&certificate.signature_algorithm);
    let serial = certificate.raw_serial();
    let serial = if serial.len() <= 8 {
        let number = serial.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        format!("        Serial Number: {number} (0x{number:x})\n")
    } else {
        format!("        Serial Number:\n            {}\n", hex(serial, ":"))
    };
    let key_text = public_key(certificate.public_key());
    format!(
        "Certificate:\n    Data:\n        Version: 3 (0x2)\n{serial}        Signature Algorithm: {algorithm}\n        Issuer: {}\n        Validity\n            Not Before: {}\n            Not After : {}\n        Subject: {}\n        Subject Public Key Info:\n{key_text}        X509v3 extensions:\n{}    Signature Algorithm: {algorithm}\n    Signature Value:\n{}",
        distinguished(certificate.issuer()),
        date(certificate.validity().not_before.timestamp()),
        date(certificate.validity().not_after.timestamp()),
        distinguished(certificate.subject()),
        extensions(certificate.extensions(), 12),
        hex_block(&certificate.signature_value.data, 18, 8),
    )
}

fn extensions<'a>(all: impl IntoIterator<Item = &'a X509Extension<'a>>, indent: usize) -> String {
    let mut text = String::new();
    for extension in all {
        let (title, value) = match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => {
                let names = [
                    (usage.digital_signature(), "Digital Signature"),
                    (usage.key_encipherment(), "Key Encipherment"),
                    (usage.key_cert_sign(), "Certificate Sign"),
                    (usage.crl_sign(), "CRL Sign"),
                ];
                ("X509v3 Key Usage", names.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(", "))
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                let names = [(usage.server_auth, "TLS Web Server Authentication"), (usage.client_auth, "TLS Web Client Authentication")];
                ("X509v3 Extended Key Usage", names.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(", "))
            }
            ParsedExtension::BasicConstraints(constraints) => {
                ("X509v3 Basic Constraints", format!("CA:{}", if constraints.ca { "TRUE" } else { "FALSE" }))
            }
            ParsedExtension::SubjectKeyIdentifier(id) => ("X509v3 Subject Key Identifier", hex(id.0, ":").to_uppercase()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                ("X509v3 Authority Key Identifier", id.key_identifier.as_ref().map_or(String::new(), |id| hex(id.0, ":").to_uppercase()))
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                let names: Vec<String> = names
                    .general_names
                    .iter()
                    .filter_map(|name| match name {
                        GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
                        GeneralName::IPAddress(bytes) => match bytes.len() {
                            4 => Some(format!("IP Address:{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3])),
                            _ => Some(format!("IP Address:{}", hex(bytes, ":").to_uppercase())),
                        },
                        GeneralName::URI(uri) => Some(format!("URI:{uri}")),
                        _ => None,
                    })
                    .collect();
                ("X509v3 Subject Alternative Name", names.join(", "))
            }
            _ => continue,
        };
        let critical = if extension.critical { " critical" } else { " " };
        text.push_str(&format!("{:indent$}{title}:{critical}\n{:indent$}    {value}\n", "", ""));
    }
    text
}

async fn verify(context: &ProcessContext, args: &[String]) -> ExitStatus {
    let mut authorities = Vec::new();
    let mut files = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.trim_start_matches('-') {
            "CAfile" | "untrusted" => match args.next() {
                Some(file) => match context.files.read(&context.path(file)) {
                    Ok(bytes) => authorities.extend(certificates(&bytes)),
                    Err(errno) => {
                        return fail(
                            context,
                            &format!("Could not open file or uri for loading certs of CAfile from {file}\nerror: {errno}"),
                        )
                        .await;
                    }
                },
                None => return fail(context, "verify: Option -CAfile needs a value").await,
            },
            "verbose" | "x509_strict" => {}
            _ => files.push(arg),
        }
    }
    let mut status = ExitStatus::SUCCESS;
    for file in files {
        let chain = match context.files.read(&context.path(file)) {
            Ok(bytes) => certificates(&bytes),
            Err(errno) => return fail(
                context,
                &format!(
                    "Could not open file or uri for loading certificate file from {file}\nerror: {errno}\nUnable to load certificate file"
                ),
            )
            .await,
        };
        match verify_chain(&chain, &authorities, context.machine.clock().now()) {
            Ok(_) => {
                let _ = context.stdout.line(format!("{file}: OK")).await;
            }
            Err(error) => {
                let subject = chain
                    .first()
                    .and_then(|der| X509Certificate::from_der(der).ok().map(|(_, certificate)| distinguished(certificate.subject())));
                let (code, reason) = match error {
                    component::tls::TlsError::Expired { .. } => (10, "certificate has expired"),
                    _ => (20, "unable to get local issuer certificate"),
                };
                let _ = context
                    .stderr
                    .line(format!(
                        "{}\nerror {code} at 0 depth lookup: {reason}\nerror {file}: verification failed",
                        subject.unwrap_or_default()
                    ))
                    .await;
                status = ExitStatus::Code(2);
            }
        }
    }
    status
}
