//! The program: reads the command line and does what it says.

use std::process::ExitCode;

fn main() -> ExitCode {
    match aid_register::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("aid-register: {error:#}");
            ExitCode::FAILURE
        }
    }
}
