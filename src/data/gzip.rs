//! gzip (P. Deutsch, RFC 1952, 1996): one deflated file with a checksum, as the MNIST files are published.

use super::bytes_at;
use super::crc32::crc32;
use super::inflate::{Inflated, inflate};
use crate::{Error, Result};

/// Whether the bytes begin as a gzip file does.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The content of a gzip file of one member, checked against its CRC-32 and length. `Unsupported` above `limit` bytes.
pub fn unpack(bytes: &[u8], limit: usize) -> Result<Vec<u8>> {
    let truncated = || Error::format(format!("byte {}", bytes.len()), "the rest of a gzip file", "the end").named("Truncated");
    let [a, b, method, flags, ..] = bytes_at::<10>(bytes, 0).ok_or_else(truncated)?;
    if [a, b] != [0x1f, 0x8b] {
        return Err(Error::format("byte 0", "1f 8b, the start of a gzip file", format!("{a:02x} {b:02x}")).named("InvalidMagic"));
    }
    if method != 8 || flags & 0xe0 != 0 {
        return Err(Error::unsupported("byte 2", "method 8 and no reserved flags", format!("method {method}, flags {flags:#04x}")));
    }
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes(bytes_at(bytes, at).ok_or_else(truncated)?));
    }
    // File name and comment end with a zero byte.
    for _ in 0..(flags >> 3 & 1) + (flags >> 4 & 1) {
        at += 1 + bytes.get(at..).and_then(|rest| rest.iter().position(|&b| b == 0)).ok_or_else(truncated)?;
    }
    if flags & 2 != 0 {
        let stated = bytes_at(bytes, at).map(u16::from_le_bytes).ok_or_else(truncated)?;
        check("the checksum of the header", u32::from(stated), crc32(&bytes[..at]) & 0xffff)?;
        at += 2;
    }
    let Inflated { bytes: out, used } =
        inflate(bytes.get(at..).ok_or_else(truncated)?, limit).map_err(|e| e.within(&format!("from byte {at}")))?;
    at += used;
    check("the CRC-32", bytes_at(bytes, at).map(u32::from_le_bytes).ok_or_else(truncated)?, crc32(&out))?;
    check("the length", bytes_at(bytes, at + 4).map(u32::from_le_bytes).ok_or_else(truncated)?, out.len() as u32)?;
    if bytes.len() > at + 8 {
        let found = format!("{} more bytes", bytes.len() - at - 8);
        return Err(Error::format(format!("byte {}", at + 8), "the end of a gzip file of one member", found).named("TrailingData"));
    }
    Ok(out)
}

fn check(what: &str, stated: u32, found: u32) -> Result<()> {
    if stated == found {
        return Ok(());
    }
    Err(Error::format(what, format!("{stated:08x}, as the file says"), format!("{found:08x} in what it holds")).named("ChecksumMismatch"))
}
