//! The members of an archive, found through its directory.

use super::{CENTRAL, END, END64, LOCAL, LOCATOR};
use crate::data::crc32::crc32;
use crate::data::inflate::inflate;
use crate::data::{bytes_at, json, quoted};
use crate::{Error, Result};
use std::borrow::Cow;

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
    fields.take(2)?;
    let version = fields.u16()?;
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
    if version > 63 {
        return Err(here(Error::unsupported("", "version 6.3 of the format at most", format!("{}.{}", version / 10, version % 10))));
    }
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
        return Ok(json::utf8(raw)?.to_string());
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
