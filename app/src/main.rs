//! The binary. What it can do is in `commands`.

use std::process::ExitCode;

fn main() -> ExitCode {
    patchbay::commands::run()
}
