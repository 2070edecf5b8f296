//! Where to go after a login, and nowhere else.

use rocket::Request;
use rocket::form::{self, FromFormField, ValueField};
use rocket::http::uri::{Origin, Reference};
use rocket::http::{Method, RawStr};
use rocket::response::Redirect;
use rocket::route::Route;
use rocket::serde::{Serialize, Serializer};

/// A path on this site, with its query: the only thing that `next` can be.
///
/// Flask-Login leaves this check to the app (its issue 211). As a form field or query parameter of
/// type `Option<Next>`, whatever else was written in it is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next(Origin<'static>);

impl Next {
    /// `text`, if a browser can't read anything but a path on this site in it.
    pub fn parse(text: &str) -> Option<Next> {
        // A browser takes `//host` and `/\host` for another site, drops tabs and line ends before it
        // looks, and takes dots out of a path. `Origin` lets the first and the last of these pass.
        let origin = Origin::parse_owned(text.to_owned()).ok()?;
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let path = origin.path();
        let dotted = path.split('/').any(|segment| matches!(segment.as_str(), "." | ".."));
        (printable && text.len() <= MAX_LENGTH && !dotted && !path.starts_with("//"))
            .then_some(Next(origin))
    }

    /// The page to come back to once the visitor of `request` has logged in.
    ///
    /// Only a `GET` is repeated. Anything else comes back to the nearest page: the path itself if it
    /// has one, else the closest path above it that has.
    pub(super) fn after(request: &Request<'_>) -> Option<Next> {
        if matches!(request.method(), Method::Get | Method::Head) {
            return Next::parse(&request.uri().to_string());
        }
        let mut path = request.uri().path().as_str();
        loop {
            if request.rocket().routes().any(|route| shows(route, path)) {
                return Next::parse(path);
            }
            path = path.rsplit_once('/')?.0;
        }
    }

    /// `view` with this path in its query, beside what the query holds already.
    pub(super) fn appended_to(&self, view: &str) -> String {
        let separator = if view.contains('?') { '&' } else { '?' };
        let path = self.0.to_string();
        // A slash means nothing in a query, and is easier to read.
        let next = RawStr::new(&path).percent_encode().as_str().replace("%2F", "/");
        format!("{view}{separator}next={next}")
    }
}

/// Longer than any page's address here; a header can't hold just anything.
const MAX_LENGTH: usize = 2048;

/// Whether `route` answers a `GET` of `path` with a page of its own.
fn shows(route: &Route, path: &str) -> bool {
    let mut wanted = path.split('/').filter(|segment| !segment.is_empty());
    let mut offered = route.uri.path().split('/').filter(|segment| !segment.is_empty());
    route.method == Method::Get
        && offered.all(|segment| {
            wanted.next().is_some_and(|name| {
                segment == name || segment.starts_with('<') && !segment.ends_with("..>")
            })
        })
        && wanted.next().is_none()
}

impl<'v> FromFormField<'v> for Next {
    fn from_value(field: ValueField<'v>) -> form::Result<'v, Self> {
        Next::parse(field.value)
            .ok_or_else(|| form::Error::validation("not a path on this site").into())
    }
}

impl From<Next> for Redirect {
    fn from(next: Next) -> Redirect {
        Redirect::to(Reference::from(next.0))
    }
}

impl Serialize for Next {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Next;

    #[test]
    fn a_path_on_this_site_is_kept_to_the_letter() {
        for path in ["/", "/members", "/a/b?c=d&e=%2F", "/a//b", "/%5C%5Cevil.example"] {
            assert_eq!(Next::parse(path).unwrap().0.to_string(), path);
        }
    }

    #[test]
    fn anything_that_a_browser_reads_as_another_site_is_nothing() {
        let long = format!("/{}", "a".repeat(super::MAX_LENGTH));
        for text in [
            "",
            "members",
            "//evil.example",
            "///evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a/../..//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " /members",
            "/mem bers",
            "/\u{0}",
            "/é",
            "?next=/",
            "*",
            "evil.example:80",
            &long,
        ] {
            assert_eq!(Next::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_query_in_the_login_view_is_kept() {
        let next = Next::parse("/a?b=c&d").unwrap();
        assert_eq!(next.appended_to("/login"), "/login?next=/a%3Fb%3Dc%26d");
        assert_eq!(next.appended_to("/login?lang=en"), "/login?lang=en&next=/a%3Fb%3Dc%26d");
    }
}
