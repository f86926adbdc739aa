//! An archive written member by member, all stored.

use super::{CENTRAL, END, END64, LOCAL, LOCATOR};
use crate::data::crc32::crc32;
use crate::data::quoted;
use crate::{Error, Result};

/// 1 January 1980, the first day ZIP knows.
const DATE: u16 = 0x0021;
/// Above this the writer uses 64-bit fields, as Python's does.
const LIMIT32: u64 = (1 << 31) - 1;

/// An archive in the making: byte for byte what Python's `zipfile` writes for `numpy.savez` (stored, dated 1980-01-01, 64-bit sizes in the
/// local headers).
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    directory: Vec<u8>,
    count: u64,
}

impl Writer {
    /// An archive without members.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Adds a member. `Usage` for a name that is longer than 65535 bytes or holds a zero byte.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<()> {
        if name.len() > 0xffff || name.contains('\0') {
            return Err(Error::usage("member", "a name of at most 65535 bytes, none of them zero", quoted(name)));
        }
        let (offset, size, crc) = (self.out.len() as u64, data.len() as u64, crc32(data).to_le_bytes());
        let flags = if name.is_ascii() { 0u16 } else { 0x0800 };
        let name_length = name.len() as u16;
        let size_bytes = size.to_le_bytes();
        self.out.reserve(50 + name.len() + data.len());
        put(&mut self.out, [&LOCAL.to_le_bytes()[..], &le16([45, flags, 0, 0, DATE]), &crc, &[0xff; 8], &le16([name_length, 20])]);
        put(&mut self.out, [name.as_bytes(), &le16([1, 16]), &size_bytes, &size_bytes, data]);

        let mut wide = Vec::new();
        let mut narrow = |values: &[u64]| {
            if values[0] <= LIMIT32 {
                return (values[0] as u32).to_le_bytes();
            }
            values.iter().for_each(|v| wide.extend_from_slice(&v.to_le_bytes()));
            [0xff; 4]
        };
        let (narrow_size, narrow_offset) = (narrow(&[size, size]), narrow(&[offset]));
        let extra_length = if wide.is_empty() { 0 } else { wide.len() as u16 + 4 };
        let directory = &mut self.directory;
        put(directory, [&CENTRAL.to_le_bytes()[..], &[45, 3], &le16([45, flags, 0, 0, DATE]), &crc, &narrow_size, &narrow_size]);
        put(directory, [&le16([name_length, extra_length, 0, 0, 0])[..], &0x0180_0000u32.to_le_bytes(), &narrow_offset, name.as_bytes()]);
        if !wide.is_empty() {
            put(directory, [&le16([1, wide.len() as u16])[..], &wide]);
        }
        self.count += 1;
        Ok(())
    }

    /// The archive: the members, then their directory.
    pub fn finish(self) -> Vec<u8> {
        let Writer { mut out, directory, count } = self;
        let (start, size) = (out.len() as u64, directory.len() as u64);
        out.reserve_exact(directory.len() + 98);
        out.extend_from_slice(&directory);
        let end = (out.len() as u64).to_le_bytes();
        if count > 0xffff || start > LIMIT32 || size > LIMIT32 {
            let numbers = [count, count, size, start].map(u64::to_le_bytes).concat();
            put(&mut out, [&END64.to_le_bytes()[..], &44u64.to_le_bytes(), &le16([45, 45]), &[0; 8], &numbers]);
            put(&mut out, [&LOCATOR.to_le_bytes()[..], &[0; 4], &end, &1u32.to_le_bytes()]);
        }
        let (count, narrow) = (count.min(0xffff) as u16, |value: u64| (value.min(0xffff_ffff) as u32).to_le_bytes());
        put(&mut out, [&END.to_le_bytes()[..], &le16([0, 0, count, count]), &narrow(size), &narrow(start), &[0; 2]]);
        out
    }
}

fn put<'a>(out: &mut Vec<u8>, parts: impl IntoIterator<Item = &'a [u8]>) {
    parts.into_iter().for_each(|part| out.extend_from_slice(part));
}
fn le16<const N: usize>(values: [u16; N]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
