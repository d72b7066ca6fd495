//! The `fleet` program: argv in, exit code out.

use std::process::ExitCode;

use fleet::cli::{self, Invocation};
use fleet::commands;
use fleet::context::{Context, Environment};

/// Plans of large fleets are millions of small texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::of_this_process();
    let arguments: Vec<_> = std::env::args_os().collect();

    let (context, outcome) = match cli::parse(&arguments, &environment) {
        Ok(Invocation::Command(call)) => {
            let context = Context::new(call.globals.clone(), environment, &arguments);
            let outcome = commands::run(&context, &call);
            (context, outcome)
        }
        Ok(Invocation::Help(text, ending)) => {
            let context = Context::new(cli::guess_globals(&arguments), environment, &arguments);
            let outcome = context.ui.help(&text).map(|()| ending);
            (context, outcome)
        }
        Err(diagnostic) => {
            let context = Context::new(cli::guess_globals(&arguments), environment, &arguments);
            (context, Err(diagnostic.into()))
        }
    };

    let code = match outcome {
        Ok(ending) => ending.exit_code(),
        Err(error) => context.ui.error(&error),
    };
    context.back_up_state();
    ExitCode::from(code)
}
