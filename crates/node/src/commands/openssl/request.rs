//! `openssl req`: looking at certificate requests. Making them is refused.

use x509_parser::cri_attributes::ParsedCriAttribute;
use x509_parser::prelude::{FromDer, X509CertificationRequest};

use super::{algorithm, distinguished, extensions, fail, hex_block, public_key};
use crate::machine::{ExitStatus, ProcessContext};

pub(super) async fn run(context: &ProcessContext, args: &[String]) -> ExitStatus {
    let mut file = None;
    let (mut no_out, mut text, mut subject) = (false, false, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.trim_start_matches('-') {
            "in" => file = args.next(),
            "inform" | "nameopt" | "reqopt" => {
                args.next();
            }
            "noout" => no_out = true,
            "text" => text = true,
            "subject" => subject = true,
            _ => {
                return fail(context, &format!("openssl: req {arg} is not simulated (req -in FILE with -text, -subject and -noout is)"))
                    .await;
            }
        }
    }
    let pem = match file {
        None => context.stdin.read_to_end().await,
        Some(file) => match context.files.read(&context.path(file)) {
            Ok(bytes) => bytes.to_vec(),
            Err(errno) => return fail(context, &format!("Can't open \"{file}\" for reading, {errno}\nUnable to load X509 request")).await,
        },
    };
    let block = x509_parser::pem::Pem::iter_from_buffer(&pem).flatten().find(|block| block.label.ends_with("CERTIFICATE REQUEST"));
    let Some((block, request)) =
        block.as_ref().and_then(|block| Some((block, X509CertificationRequest::from_der(&block.contents).ok()?.1)))
    else {
        return fail(context, "Unable to load X509 request").await;
    };
    let mut out = String::new();
    if text {
        out.push_str(&full(&request));
    }
    if subject {
        out.push_str(&format!("subject={}\n", distinguished(&request.certification_request_info.subject)));
    }
    if !no_out {
        let all = String::from_utf8_lossy(&pem).into_owned();
        let (start, end) = (format!("-----BEGIN {}-----", block.label), format!("-----END {}-----", block.label));
        if let (Some(from), Some(to)) = (all.find(&start), all.find(&end)) {
            out.push_str(&format!("{}{end}\n", &all[from..to]));
        }
    }
    let _ = context.stdout.write(out).await;
    ExitStatus::SUCCESS
}

fn full(request: &X509CertificationRequest<'_>) -> String {
    let info = &request.certification_request_info;
    let version = info.version.0;
    let attributes = if info.attributes().is_empty() { "            (none)\n" } else { "" };
    let wanted = info.iter_attributes().filter_map(|attribute| match attribute.parsed_attribute() {
        ParsedCriAttribute::ExtensionRequest(request) => Some(&request.extensions),
        _ => None,
    });
    format!(
        "Certificate Request:\n    Data:\n        Version: {} (0x{version:x})\n        Subject: {}\n        Subject Public Key Info:\n{}        Attributes:\n{attributes}            Requested Extensions:\n{}    Signature Algorithm: {}\n    Signature Value:\n{}",
        version + 1,
        distinguished(&info.subject),
        public_key(&info.subject_pki),
        extensions(wanted.flatten(), 16),
        algorithm(&request.signature_algorithm),
        hex_block(&request.signature_value.data, 18, 8),
    )
}
