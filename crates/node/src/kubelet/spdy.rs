//! Frames of SPDY/3.1, as far as forwarded ports need them: streams with headers that carry bytes both ways.
//!
//! kubectl opens one WebSocket (`SPDY/3.1+portforward.k8s.io`) and speaks SPDY through it, two streams for each connection
//! (client-go's `tools/portforward`). Header blocks are compressed with one zlib stream for the life of a connection; ours go out
//! stored, which every inflater reads.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

const VERSION: u16 = 3;
const FIN: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GOAWAY: u16 = 7;

/// Longest frame that is taken, and most bytes of headers on one connection.
const LIMIT: usize = 1 << 20;

/// What is wrong with what a peer sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SpdyError {
    #[error("frame too long")]
    TooLong,
    #[error("bad header block")]
    BadHeaders,
    #[error("not SPDY/3.1")]
    Version,
}

/// What a peer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A new stream; `fin`: nothing more comes on it.
    Open { stream: u32, fin: bool, headers: BTreeMap<String, String> },
    /// Bytes of a stream.
    Data { stream: u32, fin: bool, bytes: Bytes },
    /// A stream is given up.
    Reset { stream: u32 },
    /// To be sent back as it is.
    Ping { id: u32 },
    /// The peer leaves.
    GoAway,
    /// Replies, settings, window updates: nothing here depends on them.
    Other,
}

/// Bytes of one connection to frames.
#[derive(Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
    headers: HeaderReader,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, SpdyError> {
        let Some(head) = self.buffer.first_chunk::<8>() else { return Ok(None) };
        let (first, second) = ((&head[..4]).get_u32(), (&head[4..]).get_u32());
        let (flags, length) = ((second >> 24) as u8, (second & 0x00ff_ffff) as usize);
        if length > LIMIT {
            return Err(SpdyError::TooLong);
        }
        if self.buffer.len() < 8 + length {
            return Ok(None);
        }
        self.buffer.advance(8);
        let mut body = self.buffer.split_to(length).freeze();
        let fin = flags & FIN != 0;
        if first >> 31 == 0 {
            return Ok(Some(Frame::Data { stream: first, fin, bytes: body }));
        }
        if (first >> 16) as u16 & 0x7fff != VERSION {
            return Err(SpdyError::Version);
        }
        Ok(Some(match first as u16 {
            SYN_STREAM => {
                let stream = number(&mut body)?;
                // The associated stream, priority and slot.
                if body.len() < 6 {
                    return Err(SpdyError::BadHeaders);
                }
                body.advance(6);
                Frame::Open { stream, fin, headers: self.headers.read(&body)? }
            }
            RST_STREAM => Frame::Reset { stream: number(&mut body)? },
            PING => Frame::Ping { id: number(&mut body)? },
            GOAWAY => Frame::GoAway,
            _ => Frame::Other,
        }))
    }
}

fn number(bytes: &mut Bytes) -> Result<u32, SpdyError> {
    bytes.try_get_u32().map_err(|_| SpdyError::BadHeaders)
}

/// Frames to bytes of one connection.
#[derive(Default)]
pub(super) struct Encoder {
    /// The beginning of the zlib stream is out.
    begun: bool,
}

impl Encoder {
    /// A stream is taken. No headers.
    pub(super) fn reply(&mut self, stream: u32) -> Bytes {
        let mut body = BytesMut::new();
        body.put_u32(stream);
        if !std::mem::replace(&mut self.begun, true) {
            body.put_slice(&ZLIB);
        }
        put_stored(&mut body, &0_u32.to_be_bytes());
        control(SYN_REPLY, 0, &body)
    }

    pub(super) fn ping(id: u32) -> Bytes {
        control(PING, 0, &id.to_be_bytes())
    }

    /// Bytes of a stream; `fin`: the last.
    pub(super) fn data(stream: u32, fin: bool, bytes: &[u8]) -> Bytes {
        let mut out = BytesMut::with_capacity(8 + bytes.len());
        out.put_u32(stream & 0x7fff_ffff);
        out.put_u32(u32::from(u8::from(fin)) << 24 | bytes.len() as u32 & 0x00ff_ffff);
        out.put_slice(bytes);
        out.freeze()
    }
}

fn control(kind: u16, flags: u8, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(8 + body.len());
    out.put_u32(1 << 31 | u32::from(VERSION) << 16 | u32::from(kind));
    out.put_u32(u32::from(flags) << 24 | body.len() as u32);
    out.put_slice(body);
    out.freeze()
}

/// A zlib stream's beginning that names no dictionary.
const ZLIB: [u8; 2] = [0x78, 0x01];

/// A deflate block that is stored as it is, then an empty one: the reader's side hands over what it has at that (`Z_SYNC_FLUSH`).
fn put_stored(out: &mut BytesMut, bytes: &[u8]) {
    for part in [bytes, &[]] {
        out.put_u8(0);
        out.put_u16_le(part.len() as u16);
        out.put_u16_le(!(part.len() as u16));
        out.put_slice(part);
    }
}

/// Inflates header blocks: one zlib stream whose dictionary both sides know.
struct HeaderReader {
    state: Box<DecompressorOxide>,
    /// The dictionary and all that came since, because later blocks refer to it.
    window: Vec<u8>,
    begun: bool,
}

impl Default for HeaderReader {
    fn default() -> Self {
        Self { state: Box::default(), window: dictionary(), begun: false }
    }
}

impl HeaderReader {
    fn read(&mut self, block: &[u8]) -> Result<BTreeMap<String, String>, SpdyError> {
        let mut input = block;
        if !self.begun {
            // CMF, FLG, and the dictionary's checksum if it is used.
            let length = if input.get(1).is_some_and(|flags| flags & 0x20 != 0) { 6 } else { 2 };
            input = input.get(length..).ok_or(SpdyError::BadHeaders)?;
            self.begun = true;
        }
        let start = self.window.len();
        let mut end = start;
        let flags = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        loop {
            self.window.resize(end + 4096, 0);
            let (status, read, written) = decompress(&mut self.state, input, &mut self.window, end, flags);
            input = &input[read..];
            end += written;
            match status {
                TINFLStatus::HasMoreOutput => {}
                TINFLStatus::NeedsMoreInput if input.is_empty() => break,
                _ => return Err(SpdyError::BadHeaders),
            }
            if end > LIMIT {
                return Err(SpdyError::TooLong);
            }
        }
        self.window.truncate(end);
        parse(&self.window[start..]).ok_or(SpdyError::BadHeaders)
    }
}

fn parse(mut block: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = |block: &mut &[u8]| {
        let length = block.try_get_u32().ok()? as usize;
        let (text, rest) = block.split_at_checked(length)?;
        *block = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    };
    let count = block.try_get_u32().ok()?;
    (0..count).map(|_| Some((text(&mut block)?.to_ascii_lowercase(), text(&mut block)?))).collect()
}

/// The dictionary of SPDY/3's header compression (draft 3, section 2.6.10.1): words with their lengths, then text.
fn dictionary() -> Vec<u8> {
    const WORDS: &str = "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age \
        allow authorization cache-control connection content-base content-encoding content-language content-length \
        content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since \
        if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate \
        proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning \
        www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
    const TEXT: &str = "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505\
        203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden\
        404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable\
        Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT\
        chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,\
        publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";
    let mut bytes = Vec::new();
    for word in WORDS.split_whitespace() {
        bytes.put_u32(word.len() as u32);
        bytes.put_slice(word.replace('_', " ").as_bytes());
    }
    bytes.put_slice(TEXT.as_bytes());
    bytes
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Adler-32, as zlib streams name their dictionary.
    fn checksum(bytes: &[u8]) -> u32 {
        let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65521;
            (a, (b + a) % 65521)
        });
        b << 16 | a
    }

    #[test]
    fn the_dictionary_is_the_drafts() {
        assert_eq!((dictionary().len(), checksum(&dictionary())), (1423, 0xe3c6_a7c2));
    }

    /// The two streams of a connection as kubectl opens them: zlib with the dictionary, flushed after each block.
    pub(in crate::kubelet) fn opening() -> Vec<u8> {
        OPENING.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("a byte")).collect()
    }

    const OPENING: &str = "\
        80 03 00 01 00 00 00 3c 00 00 00 01 00 00 00 00 00 00 78 f9 e3 c6 a7 c2 02 25 3a 48 f9 5b 04 4a ab 4c 16 06 40 92 b3 08 \
        12 5b 99 a0 54 cc 68 00 4e 87 25 45 a9 89 b9 d0 a2 86 35 15 14 11 00 00 00 00 ff ff 00 00 00 01 01 00 00 00 80 03 00 01 \
        00 00 00 16 00 00 00 03 00 00 00 00 00 00 22 4b 2b a8 94 4a 04 00 00 00 ff ff 00 00 00 03 00 00 00 10 47 45 54 20 2f 20 \
        48 54 54 50 2f 31 2e 31 0d 0a 80 03 00 06 00 00 00 04 00 00 00 05";

    #[test]
    fn streams_are_read_however_their_bytes_arrive() {
        let bytes = opening();
        for step in [1, 7, bytes.len()] {
            let mut decoder = Decoder::default();
            let mut frames = Vec::new();
            for part in bytes.chunks(step) {
                decoder.push(part);
                while let Some(frame) = decoder.next().expect("SPDY") {
                    frames.push(frame);
                }
            }
            let headers =
                |kind: &str| [("port", "80"), ("requestid", "0"), ("streamtype", kind)].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
            assert_eq!(
                frames,
                [
                    Frame::Open { stream: 1, fin: false, headers: headers("error") },
                    Frame::Data { stream: 1, fin: true, bytes: Bytes::new() },
                    Frame::Open { stream: 3, fin: false, headers: headers("data") },
                    Frame::Data { stream: 3, fin: false, bytes: Bytes::from_static(b"GET / HTTP/1.1\r\n") },
                    Frame::Ping { id: 5 },
                ]
            );
        }
    }

    #[test]
    fn what_is_no_spdy_is_refused() {
        for bytes in
            [&b"\x80\x02\0\x01\0\0\0\0"[..], b"\x80\x03\0\x01\0\0\0\x0c\0\0\0\x01\0\0\0\0\0\0\xff\xff", b"\0\0\0\x01\0\xff\xff\xff"]
        {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            assert!(decoder.next().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn replies_are_one_zlib_stream() {
        let mut encoder = Encoder::default();
        let (first, second) = (encoder.reply(1), encoder.reply(3));
        assert_eq!(first[..12], *b"\x80\x03\0\x02\0\0\0\x14\0\0\0\x01");
        let mut reader = HeaderReader::default();
        for reply in [first, second] {
            assert_eq!(reader.read(&reply[12..]), Ok(BTreeMap::new()));
        }
        assert_eq!(reader.window.len(), dictionary().len() + 8, "two numbers of headers, both none");
    }
}
