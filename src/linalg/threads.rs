//! How many threads a computation may use, and how to share work among them. The result never depends on it.

use crate::{Error, Result};
use std::cell::Cell;
use std::num::NonZero;
use std::sync::OnceLock;

thread_local! {
    static ALLOWED: Cell<Option<NonZero<usize>>> = const { Cell::new(None) };
}

/// The number of threads that work on this thread's behalf may use: what [`with_threads`] set, else `WHITE_BOX_THREADS`, else the number
/// of processors. A value of the variable that [`from_environment`] refuses counts as none.
pub fn threads() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    ALLOWED.get().map_or_else(|| *DEFAULT.get_or_init(|| from_environment().unwrap_or_else(|_| processors())), NonZero::get)
}

/// What `WHITE_BOX_THREADS` says, or the number of processors if it is unset. Errors: `Usage` unless it is a whole number from 1 on.
pub fn from_environment() -> Result<usize> {
    let Some(words) = std::env::var_os("WHITE_BOX_THREADS") else { return Ok(processors()) };
    let count = words.to_str().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
    count.ok_or_else(|| {
        Error::usage("WHITE_BOX_THREADS", "a whole number from 1 on", format!("`{}`", words.to_string_lossy().escape_default()))
    })
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs `work` with at most `count` threads (0 counts as 1), on this thread and in what it calls.
pub fn with_threads<R>(count: usize, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<NonZero<usize>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ALLOWED.set(self.0);
        }
    }
    let _restore = Restore(ALLOWED.replace(NonZero::new(count.max(1))));
    work()
}

/// Calls `work` once for each part, on up to [`threads`] threads, each taking consecutive parts in order; the calling thread takes the
/// first share. Inside, one thread is allowed, so that shared work does not share again. Worth it from about a millisecond a thread.
pub fn share<T: Send>(parts: Vec<T>, work: impl Fn(T) + Sync) {
    let each = parts.len().div_ceil(threads()).max(1);
    let mut parts = parts.into_iter();
    let mut next = || parts.by_ref().take(each).collect::<Vec<T>>();
    let alone = |share: Vec<T>| with_threads(1, || share.into_iter().for_each(&work));
    let first = next();
    std::thread::scope(|scope| {
        loop {
            let share = next();
            if share.is_empty() {
                break;
            }
            scope.spawn(|| alone(share));
        }
        alone(first);
    });
}
