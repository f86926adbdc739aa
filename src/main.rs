//! The command `white-box`.

fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned()).collect();
    white_box::cli::main(&args)
}
