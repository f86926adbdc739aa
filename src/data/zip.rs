//! ZIP archives (PKWARE APPNOTE 6.3, with its 64-bit extension), as `.npz` files are made of: members stored or deflated.
//!
//! The reader allows one meaning only: the end record is at the end, the directory before it, the members before that from byte 0 on, and no two
//! share a byte, so an archive cannot expand the same bytes again and again. Checksums are always verified.

use super::crc32::crc32;
use super::inflate::inflate;
use super::{bytes_at, quoted};
use crate::{Error, Result};
use std::borrow::Cow;

const LOCAL: u32 = 0x0403_4B50;
const CENTRAL: u32 = 0x0201_4B50;
const END: u32 = 0x0605_4B50;
const END64: u32 = 0x0606_4B50;
const LOCATOR: u32 = 0x0706_4B50;
/// 1 January 1980, the first day ZIP knows.
const DATE: u16 = 0x0021;
/// Above this the writer uses 64-bit fields, as Python's does.
const LIMIT32: u64 = (1 << 31) - 1;

/// The upper half of code page 437, in which names without the UTF-8 flag are written.
const CP437: &str =
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// One member of an archive.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Its name, unchecked: it is not to be used as a path.
    pub name: String,
    /// The length the directory states.
    pub size: u64,
    deflated: bool,
    crc: u32,
    data: &'a [u8],
}

impl<'a> Member<'a> {
    /// The content, expanded and verified. `Unsupported` above `limit` bytes.
    pub fn read(&self, limit: u64) -> Result<Cow<'a, [u8]>> {
        if self.size > limit {
            let expected = format!("at most {limit} bytes");
            return Err(Error::unsupported("", expected, format!("{}", self.size)).named("MemberTooLarge"));
        }
        let wrong = |found: String| Error::format("", format!("{} bytes, as the directory says", self.size), found).named("SizeMismatch");
        let content = if self.deflated {
            // A member that lies about its size is cut off where it passes it.
            let inflated = inflate(self.data, self.size as usize);
            let inflated = inflated.map_err(|e| if e.fault().name == "OutputTooLong" { wrong("more".into()) } else { e })?;
            if inflated.used != self.data.len() {
                return Err(Error::format(
                    "",
                    "a deflate stream as long as the member",
                    format!("{} bytes left over", self.data.len() - inflated.used),
                ));
            }
            Cow::Owned(inflated.bytes)
        } else {
            Cow::Borrowed(self.data)
        };
        if content.len() as u64 != self.size {
            return Err(wrong(content.len().to_string()));
        }
        let found = crc32(&content);
        if found != self.crc {
            return Err(Error::format("", format!("CRC-32 {:08x}", self.crc), format!("{found:08x}")).named("ChecksumMismatch"));
        }
        Ok(content)
    }
}

/// Little-endian integers, one after the other.
#[derive(Clone, Copy)]
struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}
impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let taken = self.at.checked_add(n).and_then(|end| self.bytes.get(self.at..end));
        let taken =
            taken.ok_or_else(|| Error::format(format!("byte {}", self.at), format!("{n} bytes more"), "the end").named("Truncated"))?;
        self.at += n;
        Ok(taken)
    }
    fn u16(&mut self) -> Result<u16> {
        Ok(bytes_at(self.take(2)?, 0).map_or(0, u16::from_le_bytes))
    }
    fn u32(&mut self) -> Result<u32> {
        Ok(bytes_at(self.take(4)?, 0).map_or(0, u32::from_le_bytes))
    }
    fn u64(&mut self) -> Result<u64> {
        Ok(bytes_at(self.take(8)?, 0).map_or(0, u64::from_le_bytes))
    }
    fn signature(&mut self, wanted: u32, what: &str) -> Result<()> {
        let at = self.at;
        let found = self.u32()?;
        if found == wanted { Ok(()) } else { Err(broken(at, &format!("{what} ({wanted:08x})"), format!("{found:08x}"))) }
    }
}
fn broken(at: usize, expected: &str, found: impl Into<String>) -> Error {
    Error::format(format!("byte {at}"), expected, found)
}

/// The members of an archive, in the order of its directory.
pub fn members(bytes: &[u8]) -> Result<Vec<Member<'_>>> {
    let directory = directory(bytes)?;
    let mut fields = Fields { bytes: &bytes[..directory.end], at: directory.start };
    let mut members = Vec::new();
    let mut ranges = Vec::new();
    for _ in 0..directory.count {
        let (member, range) = member(bytes, &mut fields, directory.start)?;
        members.push(member);
        ranges.push(range);
    }
    if fields.at != directory.end {
        return Err(broken(fields.at, &format!("the end of a directory of {} members", directory.count), "more of it"));
    }
    // Sorted by their begin, members overlap only if one begins before the one before it ends.
    ranges.sort_unstable();
    if ranges.first().map_or(directory.start, |r| r.0) != 0 {
        return Err(broken(0, "the first member at the start of the file", "bytes that belong to none").named("LeadingData"));
    }
    match ranges.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        Some(pair) => Err(broken(pair[1].0, "members that share no byte", "the inside of another").named("Overlap")),
        None => Ok(members),
    }
}

struct Directory {
    start: usize,
    end: usize,
    count: u64,
}

fn directory(bytes: &[u8]) -> Result<Directory> {
    // The end record has 22 bytes and a comment of up to 65535, whose length it states.
    let earliest = bytes.len().saturating_sub(22 + 65535);
    let ends_here = |at: &usize| {
        bytes_at(bytes, *at) == Some(END.to_le_bytes())
            && bytes_at(bytes, *at + 20).is_some_and(|n| *at + 22 + usize::from(u16::from_le_bytes(n)) == bytes.len())
    };
    let Some(end) = (earliest..(bytes.len() + 1).saturating_sub(22)).rev().find(ends_here) else {
        return Err(broken(bytes.len(), "a ZIP end record with its comment at the end of the file", "none").named("NoEndRecord"));
    };
    let mut fields = Fields { bytes, at: end + 4 };
    let (disk, first_disk) = (fields.u16()?, fields.u16()?);
    let (here, count) = (fields.u16()?, fields.u16()?);
    let (size, start) = (fields.u32()?, fields.u32()?);
    if (disk, first_disk) != (0, 0) || here != count {
        return Err(Error::unsupported(format!("byte {end}"), "an archive in one file", "one of several parts"));
    }
    let (mut count, mut size, mut start, mut stop) = (u64::from(count), u64::from(size), u64::from(start), end);
    if let Some(locator) = end.checked_sub(20).filter(|&at| bytes_at(bytes, at) == Some(LOCATOR.to_le_bytes())) {
        let mut fields = Fields { bytes: &bytes[..end], at: locator + 4 };
        let (disk, offset, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
        if disk != 0 || disks != 1 {
            return Err(Error::unsupported(format!("byte {locator}"), "an archive in one file", "one of several parts"));
        }
        stop = usize::try_from(offset)
            .ok()
            .filter(|&at| at < locator)
            .ok_or_else(|| broken(locator, "the place of the 64-bit end record, before this one", offset.to_string()))?;
        let mut fields = Fields { bytes: &bytes[..locator], at: stop };
        fields.signature(END64, "a 64-bit end record")?;
        let length = fields.u64()?;
        fields.take(4)?;
        let (disk, first_disk, here) = (fields.u32()?, fields.u32()?, fields.u64()?);
        let wide = (fields.u64()?, fields.u64()?, fields.u64()?);
        if (disk, first_disk) != (0, 0) || here != wide.0 {
            return Err(Error::unsupported(format!("byte {stop}"), "an archive in one file", "one of several parts"));
        }
        if length != (locator - stop - 12) as u64 {
            return Err(broken(stop, "a 64-bit end record that reaches to its locator", format!("one of {length} bytes")));
        }
        let agrees = |narrow: u64, full: u64, wide: u64| narrow == full || narrow == wide;
        if !(agrees(count, 0xffff, wide.0) && agrees(size, 0xffff_ffff, wide.1) && agrees(start, 0xffff_ffff, wide.2)) {
            return Err(broken(end, "an end record that agrees with the 64-bit one", "another"));
        }
        (count, size, start) = wide;
    }
    // Each member takes 46 bytes of the directory at least, so a count that passes is no danger.
    if start.checked_add(size) != Some(stop as u64) || count > size / 46 {
        let found = format!("{count} members in {size} bytes from byte {start}");
        return Err(
            broken(end, &format!("a directory that ends at byte {stop}, where this record begins"), found).named("InvalidDirectory")
        );
    }
    Ok(Directory { start: start as usize, end: stop, count })
}

/// The next member of the directory, and the bytes from the start of its local header to the end of its data.
fn member<'a>(bytes: &'a [u8], fields: &mut Fields<'a>, limit: usize) -> Result<(Member<'a>, (usize, usize))> {
    let at = fields.at;
    fields.signature(CENTRAL, "a directory entry")?;
    fields.take(4)?;
    let (flags, method) = (fields.u16()?, fields.u16()?);
    fields.take(4)?;
    let crc = fields.u32()?;
    let (mut packed, mut size) = (u64::from(fields.u32()?), u64::from(fields.u32()?));
    let (name_length, extra_length, comment_length) = (fields.u16()?, fields.u16()?, fields.u16()?);
    let disk = fields.u16()?;
    fields.take(6)?;
    let mut offset = u64::from(fields.u32()?);
    let raw_name = fields.take(name_length.into())?;
    let extra = fields.take(extra_length.into())?;
    fields.take(comment_length.into())?;
    let name = name(raw_name, flags).map_err(|e| e.within(&format!("byte {}", at + 46)))?;
    let here = |e: Error| e.within(&format!("directory entry {}", quoted(&name)));

    wide(extra, [&mut size, &mut packed, &mut offset]).map_err(here)?;
    if flags & 0x2061 != 0 {
        return Err(here(Error::unsupported("", "a member that is neither encrypted nor a patch", format!("flags {flags:#06x}"))));
    }
    if disk != 0 {
        return Err(here(Error::unsupported("", "an archive in one file", format!("a member in part {disk}"))));
    }
    if method != 0 && method != 8 {
        return Err(here(Error::unsupported("", "method 0 (stored) or 8 (deflate)", format!("{method}")).named("UnsupportedMethod")));
    }
    if method == 0 && packed != size {
        return Err(here(Error::format("", "equal sizes of a stored member", format!("{packed} and {size}")).named("SizeMismatch")));
    }
    let offset = usize::try_from(offset).ok().filter(|&o| o < limit);
    let offset = offset.ok_or_else(|| here(broken(at, "a member before the directory", "one after it")))?;
    let mut local = Fields { bytes: &bytes[..limit], at: offset };
    let data = (|| {
        local.signature(LOCAL, "a local header")?;
        local.take(2)?;
        let (local_flags, local_method) = (local.u16()?, local.u16()?);
        local.take(16)?;
        let (name_length, extra_length) = (local.u16()?, local.u16()?);
        // Encryption and the encoding of the name must be the same in both places, as the method and the name itself.
        if local_method != method || (local_flags ^ flags) & 0x0801 != 0 || local.take(name_length.into())? != raw_name {
            return Err(broken(offset, "the method, flags and name of the directory", "others").named("LocalMismatch"));
        }
        local.take(extra_length.into())?;
        local.take(usize::try_from(packed).unwrap_or(usize::MAX))
    })()
    .map_err(here)?;
    Ok((Member { name, size, deflated: method == 8, crc, data }, (offset, local.at)))
}

fn name(raw: &[u8], flags: u16) -> Result<String> {
    if flags & 0x0800 != 0 {
        return Ok(super::json::utf8(raw)?.to_string());
    }
    Ok(raw.iter().map(|&b| if b < 128 { b as char } else { CP437.chars().nth(usize::from(b - 128)).unwrap_or('?') }).collect())
}

/// Replaces each field that is all ones by the next number of the 64-bit extra field.
fn wide(extra: &[u8], narrow: [&mut u64; 3]) -> Result<()> {
    let mut extra = Fields { bytes: extra, at: 0 };
    let mut numbers = None;
    while extra.at < extra.bytes.len() {
        let (id, length) = (extra.u16()?, extra.u16()?);
        let body = extra.take(length.into())?;
        if id == 1 && numbers.replace(Fields { bytes: body, at: 0 }).is_some() {
            return Err(Error::format("", "one field of 64-bit sizes", "two"));
        }
    }
    for field in narrow.into_iter().filter(|field| **field == 0xffff_ffff) {
        if let Some(numbers) = &mut numbers {
            *field = numbers.u64()?;
        }
    }
    Ok(())
}

/// An archive of these members, stored, byte for byte as Python's `zipfile` writes it for `numpy.savez`: dated 1980-01-01, 64-bit sizes in the local headers.
///
/// `Usage` for a name that is longer than 65535 bytes or holds a zero byte.
pub fn write<'a>(members: impl IntoIterator<Item = (String, Cow<'a, [u8]>)>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    let mut count = 0u64;
    for (name, data) in members {
        if name.len() > 0xffff || name.contains('\0') {
            return Err(Error::usage("member", "a name of at most 65535 bytes, none of them zero", quoted(&name)));
        }
        let (offset, size, crc) = (out.len() as u64, data.len() as u64, crc32(&data));
        let flags = if name.is_ascii() { 0u16 } else { 0x0800 };
        let name_length = name.len() as u16;
        put(&mut out, [&LOCAL.to_le_bytes()[..], &le16([45, flags, 0, 0, DATE]), &crc.to_le_bytes(), &[0xff; 8], &le16([name_length, 20])]);
        put(&mut out, [name.as_bytes(), &le16([1, 16]), &size.to_le_bytes(), &size.to_le_bytes(), &data]);

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
        put(&mut directory, [&CENTRAL.to_le_bytes()[..], &[45, 3], &le16([45, flags, 0, 0, DATE]), &crc.to_le_bytes()]);
        put(&mut directory, [&narrow_size[..], &narrow_size, &le16([name_length, extra_length, 0, 0, 0])]);
        put(&mut directory, [&0x0180_0000u32.to_le_bytes()[..], &narrow_offset, name.as_bytes()]);
        if !wide.is_empty() {
            put(&mut directory, [&le16([1, wide.len() as u16])[..], &wide]);
        }
        count += 1;
    }
    let (start, size) = (out.len() as u64, directory.len() as u64);
    out.append(&mut directory);
    let end = out.len() as u64;
    if count > 0xffff || start > LIMIT32 || size > LIMIT32 {
        put(
            &mut out,
            [&END64.to_le_bytes()[..], &44u64.to_le_bytes(), &le16([45, 45]), &[0; 8], &count.to_le_bytes(), &count.to_le_bytes()],
        );
        put(
            &mut out,
            [&size.to_le_bytes()[..], &start.to_le_bytes(), &LOCATOR.to_le_bytes(), &[0; 4], &end.to_le_bytes(), &1u32.to_le_bytes()],
        );
    }
    let (count, narrow) = (count.min(0xffff) as u16, |value: u64| (value.min(0xffff_ffff) as u32).to_le_bytes());
    put(&mut out, [&END.to_le_bytes()[..], &le16([0, 0, count, count]), &narrow(size), &narrow(start), &[0; 2]]);
    Ok(out)
}

fn put<'a>(out: &mut Vec<u8>, parts: impl IntoIterator<Item = &'a [u8]>) {
    parts.into_iter().for_each(|part| out.extend_from_slice(part));
}
fn le16<const N: usize>(values: [u16; N]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
