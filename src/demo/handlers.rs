//! The signature, guard, file and line of each handler, read from the source code.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use rocket::Route;
use serde::Serialize;

static SOURCES: Dir = include_dir!("$CARGO_MANIFEST_DIR/src/routes");

static HANDLERS: LazyLock<Vec<HandlerInfo>> = LazyLock::new(|| {
    let files = SOURCES.files().filter_map(|file| {
        Some((format!("src/routes/{}", file.path().display()), file.contents_utf8()?))
    });
    let plan = ("src/demo/flight_plan.rs".to_owned(), include_str!("flight_plan.rs"));
    files.chain([plan]).flat_map(|(path, source)| handlers(&path, source)).collect()
});

/// Types of parameters that are not highlighted, because they don't restrict access.
const UNRESTRICTED: &[&str] = &[
    "&CookieJar",
    "&State",
    "Client",
    "CurrentUser",
    "DeviceCookie",
    "EmptyCookies",
    "Events",
    "Login",
    "Option",
    "Result",
];

/// A handler of a page.
#[derive(Serialize)]
pub struct HandlerInfo {
    /// The method and the path, such as `GET /login?<next>`.
    #[serde(skip)]
    route: String,
    #[serde(skip)]
    name: String,
    file: String,
    line: usize,
    /// The signature up to the guard, with the attribute.
    before: String,
    /// The type of the guard that can reject a request. Empty if every request passes.
    guard: String,
    /// The signature after the guard.
    after: String,
}

/// Returns the handler of a route, or `None` if its source is not embedded.
pub fn find(route: &Route) -> Option<&'static HandlerInfo> {
    let name = route.name.as_deref()?;
    let route = format!("{} {}", route.method, route.uri);
    HANDLERS.iter().find(|handler| handler.route == route && handler.name == name)
}

fn handlers(path: &str, source: &'static str) -> Vec<HandlerInfo> {
    let lines: Vec<_> = source.lines().collect();
    let read = |(index, line): (usize, &&str)| {
        let attribute = line.trim_start().strip_prefix("#[")?;
        let attribute = attribute.strip_prefix("rocket::").unwrap_or(attribute);
        let (method, rest) = attribute.split_once("(\"")?;
        let (uri, _) = rest.split_once('"')?;
        let rest = &lines[index..];
        let end = rest.iter().position(|line| line.ends_with('{'))?;
        let signature = rest[..=end].join("\n").trim_end_matches(" {").to_owned();
        let (before, guard, after) = split_at_guard(&signature);
        let (_, name) = signature.split_once("fn ")?;
        Some(HandlerInfo {
            route: format!("{} {uri}", method.to_uppercase()),
            name: name.split('(').next()?.to_owned(),
            file: path.to_owned(),
            line: index + 1,
            before: before.to_owned(),
            guard: guard.to_owned(),
            after: after.to_owned(),
        })
    };
    lines.iter().enumerate().filter_map(read).collect()
}

/// Splits a signature before and after the first guard that can reject a request.
fn split_at_guard(signature: &str) -> (&str, &str, &str) {
    let attribute = signature.lines().next().unwrap_or_default();
    for parameter in parameters(signature) {
        let Some((name, kind)) = parameter.split_once(':') else { continue };
        let (name, kind) = (name.trim(), kind.trim());
        let is_open = UNRESTRICTED.iter().any(|name| kind.split('<').next() == Some(name));
        if !is_open && !attribute.contains(&format!("<{name}>")) {
            let start = kind.as_ptr() as usize - signature.as_ptr() as usize;
            return (&signature[..start], kind, &signature[start + kind.len()..]);
        }
    }
    (signature, "", "")
}

/// Splits the parameters of a function at the commas outside of brackets.
fn parameters(signature: &str) -> impl Iterator<Item = &str> {
    let start =
        signature.find("fn ").and_then(|name| Some(name + signature[name..].find('(')? + 1));
    let end = signature.rfind(") ->").or_else(|| signature.rfind(')'));
    let list =
        start.zip(end).and_then(|(start, end)| signature.get(start..end)).unwrap_or_default();
    let mut depth = 0;
    list.split(move |character| {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
}

#[cfg(test)]
#[test]
fn finds_the_first_guard_that_can_reject_a_request() {
    for (signature, guard) in [
        ("#[get(\"/\")]\nfn home() -> Page", ""),
        ("#[get(\"/<id>\")]\nfn page(id: i64, user: RequiredUser)", "RequiredUser"),
        (
            "#[post(\"/\", data = \"<form>\")]\nfn f(\n    form: Form<F<'_>>,\n    x: Admin,\n) -> T",
            "Admin",
        ),
        ("#[get(\"/\")]\nfn f(a: Result<FreshUser, AuthError>, b: Option<Admin>) -> T", ""),
    ] {
        let (before, found, after) = split_at_guard(signature);
        assert_eq!((found, format!("{before}{found}{after}")), (guard, signature.to_owned()));
    }
}
