//! The candidate as a child process: a line to it, a line from it, within a time.

use crate::data::json::{Json, Reader};
use crate::oracle::LONGEST;
use crate::{Error, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How a candidate fails to answer at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Lapse {
    /// No line within the time.
    TimedOut(Duration),
    /// It ended; with what the system says of that.
    Ended(String),
    /// A line that is no JSON object, or not the answer to the request.
    Garbled(String),
}

impl std::fmt::Display for Lapse {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Lapse::TimedOut(time) => write!(f, "no answer within {} s", time.as_secs_f64()),
            Lapse::Ended(how) => write!(f, "the candidate ended: {how}"),
            Lapse::Garbled(what) => write!(f, "not the protocol: {what}"),
        }
    }
}

/// A running candidate. Its stderr is ours.
#[derive(Debug)]
pub struct Process {
    child: Child,
    requests: Option<Sender<String>>,
    replies: Receiver<std::io::Result<Vec<u8>>>,
    timeout: Duration,
    count: i64,
}

/// The words of a command line: spaces separate, single and double quotes keep together, no other character is special.
pub fn words(command: &str) -> Result<Vec<String>> {
    let (mut all, mut word, mut quote): (Vec<String>, Option<String>, Option<char>) = (Vec::new(), None, None);
    for c in command.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => all.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    match (quote, all.is_empty()) {
        (Some(q), _) => Err(Error::usage("--candidate", format!("a closing {q}"), "the end of the command")),
        (None, true) => Err(Error::usage("--candidate", "a command", "none")),
        (None, false) => Ok(all),
    }
}

impl Process {
    /// Starts the candidate. Errors: `Io` if the system cannot.
    pub fn start(words: &[String], timeout: Duration) -> Result<Process> {
        let failed = |e: std::io::Error| Error::io(words.join(" "), "a program that starts", e.to_string());
        let mut child = Command::new(&words[0]).args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let (requests, lines) = channel::<String>();
        let (sender, replies) = channel();
        // Writing and reading have a thread each: a candidate that reads nothing, or answers nothing, stops neither us nor the clock.
        if let Some(mut stdin) = child.stdin.take() {
            std::thread::spawn(move || {
                for line in lines {
                    if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
                        break;
                    }
                }
            });
        }
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut stdout = BufReader::new(stdout);
                loop {
                    let mut line = Vec::new();
                    let read = stdout.by_ref().take(LONGEST).read_until(b'\n', &mut line);
                    let last = !matches!(read, Ok(n) if n > 0);
                    if last || sender.send(read.map(|_| line)).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Process { child, requests: Some(requests), replies, timeout, count: 0 })
    }

    /// One request and its reply, an object. The `id` is added and must come back; a reply to `hello` may come without.
    pub fn ask(&mut self, mut fields: Vec<(String, Json)>) -> std::result::Result<Json, Lapse> {
        self.count += 1;
        fields.push(("id".into(), Json::integer(self.count)));
        let hello = fields.iter().any(|(name, _)| name == "hello");
        let sent = self.requests.as_ref().is_some_and(|r| r.send(format!("{}\n", Json::Object(fields))).is_ok());
        if !sent {
            return Err(self.ended());
        }
        loop {
            let line = match self.replies.recv_timeout(self.timeout) {
                Ok(Ok(line)) => line,
                Ok(Err(e)) => return Err(Lapse::Ended(e.to_string())),
                Err(RecvTimeoutError::Timeout) => return Err(Lapse::TimedOut(self.timeout)),
                Err(RecvTimeoutError::Disconnected) => return Err(self.ended()),
            };
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let reader = Reader { words: true, ..Reader::default() };
            let text = || String::from_utf8_lossy(&line[..line.len().min(80)]).trim_end().escape_default().to_string();
            let reply = reader.parse(&line).map_err(|e| Lapse::Garbled(format!("{e}, in `{}`", text())))?;
            return match reply.get("id") {
                Some(id) if id.as_i64() == Some(self.count) => Ok(reply),
                None if hello && reply.as_object().is_some() => Ok(reply),
                _ => Err(Lapse::Garbled(format!("expected an object with id {}, found `{}`", self.count, text()))),
            };
        }
    }

    fn ended(&mut self) -> Lapse {
        Lapse::Ended(match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(e) => e.to_string(),
        })
    }
}

impl Drop for Process {
    /// Closes its stdin, and ends it if it has not ended by itself.
    fn drop(&mut self) {
        self.requests = None;
        for _ in 0..20 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
