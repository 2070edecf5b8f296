//! What each page says of the code behind it: which handler made it, and which guard let the visitor in.
//!
//! Only the demo needs it.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;

use crate::page::ContextProcessor;

/// A handler, as its source has it.
#[derive(Serialize)]
struct Behind {
    handler: &'static str,
    /// None lets everybody in.
    guard: Option<&'static str>,
    file: &'static str,
}

/// Shows every template the handler of its request, if one was reached.
pub const CONTEXT: ContextProcessor = ContextProcessor(|page, request| {
    let handler = || HANDLERS.get(request.route()?.name.as_deref()?);
    page.with("behind", handler())
});

macro_rules! sources {
    ($($file:literal),*) => { [$((concat!("src/", $file), include_str!($file))),*] };
}

static HANDLERS: LazyLock<HashMap<&str, Behind>> = LazyLock::new(|| {
    let sources = sources!(
        "routes/account.rs",
        "routes/dashboard.rs",
        "routes/home.rs",
        "routes/login.rs",
        "routes/logout.rs",
        "routes/password.rs",
        "routes/reauthenticate.rs",
        "routes/register.rs",
        "same_origin.rs"
    );
    sources.into_iter().flat_map(|(file, source)| handlers(file, source)).collect()
});

/// Every public function: a name that no route has is never asked for.
fn handlers(
    file: &'static str,
    source: &'static str,
) -> impl Iterator<Item = (&'static str, Behind)> {
    source.split("fn ").skip(1).filter_map(move |rest| {
        let (handler, rest) = rest.split_once('(')?;
        let (arguments, _) = rest.split_once(") ->")?;
        let guards = ["FreshUser", "RequiredUser"];
        let guard = guards.into_iter().find(|guard| arguments.contains(guard));
        Some((handler, Behind { handler, guard, file }))
    })
}
