//! The handler, guard and file of each page, read from the source code.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;

use crate::web::page::ContextProcessor;

/// A handler of a page.
#[derive(Serialize)]
struct HandlerInfo {
    handler: &'static str,
    /// `None` if the page is public.
    guard: Option<&'static str>,
    file: &'static str,
}

/// Adds `handler_info` to the template of a page that has a handler.
pub const CONTEXT: ContextProcessor = ContextProcessor(|page, request| {
    let info = || HANDLERS.get(request.route()?.name.as_deref()?);
    page.with("handler_info", info())
});

macro_rules! sources {
    ($($file:literal),*) => { [$((concat!("src/", $file), include_str!(concat!("../", $file)))),*] };
}

static HANDLERS: LazyLock<HashMap<&str, HandlerInfo>> = LazyLock::new(|| {
    let sources = sources!(
        "routes/account.rs",
        "routes/dashboard.rs",
        "routes/home.rs",
        "routes/login.rs",
        "routes/logout.rs",
        "routes/password.rs",
        "routes/reauthenticate.rs",
        "routes/register.rs",
        "web/same_origin.rs"
    );
    sources.into_iter().flat_map(|(file, source)| handlers(file, source)).collect()
});

/// Returns all functions that have a return type. Some of them are not handlers.
fn handlers(
    file: &'static str,
    source: &'static str,
) -> impl Iterator<Item = (&'static str, HandlerInfo)> {
    source.split("fn ").skip(1).filter_map(move |rest| {
        let (handler, rest) = rest.split_once('(')?;
        let (arguments, _) = rest.split_once(") ->")?;
        let guards = ["FreshUser", "RequiredUser"];
        let guard = guards.into_iter().find(|guard| arguments.contains(guard));
        Some((handler, HandlerInfo { handler, guard, file }))
    })
}
