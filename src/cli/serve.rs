//! `white-box serve`.

use super::Arguments;
use crate::{Error, Result, oracle};
use std::io;
use std::process::ExitCode;

pub const USAGE: &str = "white-box serve

Reads one JSON object a line on stdin and answers each with one line on stdout, until stdin ends:
  {\"id\":1,\"op\":\"coding_rate\",\"inputs\":{\"z\":[[1,0],[0,2]]},\"params\":{\"eps\":0.5},\"scalar\":\"f64\"}
  {\"id\":2,\"op\":\"coding_rate\",\"inputs\":{…},\"params\":{…},\"vjp\":{\"value\":1}}
  {\"hello\":1}
scalar is f32, f64, dd or ball. A line that is not a request is answered with an error, and the server goes on.";

pub fn run(args: &[String]) -> Result<ExitCode> {
    Arguments::parse(args, &[], &[], "none", 0..=0)?;
    match oracle::serve(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("serve", "to read and write", e.to_string())),
        _ => Ok(ExitCode::SUCCESS),
    }
}
