//! Files that are often taken for one of ours: what they are, and what to do.

use crate::Error;

const CONVERT: &str = "Python: sd = torch.load(\"c.pth\", map_location=\"cpu\", weights_only=True); \
safetensors.torch.save_file({k: v.detach().contiguous().clone() for k, v in sd.get(\"state_dict\", sd).items()}, \"c.safetensors\")";

/// The error for a file that is recognised by its first bytes and is not an array file.
pub(super) fn explain(bytes: &[u8]) -> Option<Error> {
    if bytes.starts_with(b"version https://git-lfs") {
        let expected = "the data (run `git lfs pull` to fetch it)";
        return Some(Error::format("byte 0", expected, "a Git-LFS pointer, a text that stands for the data").named("GitLfsPointer"));
    }
    if bytes.starts_with(&[0x1f, 0x8b, 8]) {
        return Some(Error::unsupported("byte 0", "an array file (unpack this one with `gunzip`)", "a gzip file").named("Gzip"));
    }
    if matches!(bytes, [0x80, 2..=5, ..]) {
        return Some(pickle());
    }
    if bytes.starts_with(b"\x89HDF\r\n\x1a\n") {
        return Some(Error::unsupported("byte 0", "safetensors, npz, npy or JSON", "an HDF5 file").named("Hdf5"));
    }
    None
}

/// The error for a Python pickle, bare or inside the ZIP that `torch.save` writes: reading one runs the program it holds.
pub(super) fn pickle() -> Error {
    Error::unsupported("", format!("data; convert the file with {CONVERT}"), "a Python pickle (PyTorch checkpoint), which is a program")
        .named("Pickle")
}
