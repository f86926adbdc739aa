//! The readers and writers of files: byte for byte against the reference writers, every known hostile case, and random bytes.

mod formats {
    mod golden;
    mod json;
    mod npy;
    mod npz;
    mod properties;
    mod safetensors;
    mod text;
    mod values;

    use white_box::Error;

    /// The finer name of an error, or its kind if it has none.
    pub fn name<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
        let error = result.expect_err("an error");
        // Every message must be printable and say what was expected.
        assert!(!error.fault().expected.is_empty() && !error.to_string().contains('\0'), "{error}");
        if error.fault().name.is_empty() { error.kind() } else { error.fault().name }
    }
    /// The text of an error.
    pub fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        result.expect_err("an error").to_string()
    }
}
